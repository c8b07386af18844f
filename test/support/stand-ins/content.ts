import { createHash } from "node:crypto";

/** What a stand-in holds, in memory: real bytes under real digests. Times are UTC milliseconds. */
export class Content {
  readonly blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Unfinished uploads. */
  readonly uploads = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly #repositories = new Map<string, Repository>();

  /** `now`: when the next thing happens; null: at this moment. A test sets it to push in the past. */
  now: number | null = null;
  /** zot's users have its right `detectManifestCollision`. */
  detectsCollisions = false;

  time(): number {
    return this.now ?? Date.now();
  }

  find(name: string): Repository | null {
    return this.#repositories.get(name) ?? null;
  }

  /** All of them, by name. */
  all(): Repository[] {
    return [...this.#repositories.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  putBlob(bytes: Uint8Array<ArrayBuffer>): string {
    const digest = sha256(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  /** `tag` null: by its digest alone. */
  putManifest(
    name: string,
    tag: string | null,
    mediaType: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Manifest {
    const repository = this.find(name) ?? new Repository(name);
    this.#repositories.set(name, repository);
    const digest = sha256(bytes);
    const known = repository.manifests.get(digest);
    const manifest = known ?? {
      digest,
      mediaType,
      bytes,
      document: JSON.parse(new TextDecoder().decode(bytes)) as ManifestDocument,
      pushedAt: this.time(),
      pulledAt: null,
    };
    repository.manifests.set(digest, manifest);
    if (tag !== null) repository.tags.set(tag, { digest, pushedAt: this.time() });
    return manifest;
  }

  forget(name: string): void {
    this.#repositories.delete(name);
  }
}

export class Repository {
  readonly manifests = new Map<string, Manifest>();
  readonly tags = new Map<string, { readonly digest: string; readonly pushedAt: number }>();

  constructor(readonly name: string) {}

  /** A tag's or a digest's. */
  resolve(reference: string): Manifest | null {
    const digest = this.tags.get(reference)?.digest ?? reference;
    return this.manifests.get(digest) ?? null;
  }

  tagNames(): string[] {
    return [...this.tags.keys()].toSorted((a, b) => (a < b ? -1 : 1));
  }

  tagsOf(digest: string): string[] {
    return this.tagNames().filter((tag) => this.tags.get(tag)?.digest === digest);
  }

  /** Indexes that name it. */
  parentsOf(digest: string): Manifest[] {
    return [...this.manifests.values()].filter(({ document }) =>
      document.manifests?.some((child) => child.digest === digest),
    );
  }

  /** Those that cosign links to it by their tag. */
  signaturesOf(digest: string): Manifest[] {
    const signature = this.resolve(`${digest.replace(":", "-")}.sig`);
    return signature ? [signature] : [];
  }

  referrersOf(digest: string): Manifest[] {
    return [...this.manifests.values()].filter(
      ({ document }) => document.subject?.digest === digest,
    );
  }

  remove(digest: string): void {
    this.manifests.delete(digest);
    for (const tag of this.tagsOf(digest)) this.tags.delete(tag);
  }
}

export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly document: ManifestDocument;
  pushedAt: number;
  pulledAt: number | null;
}

interface ManifestDocument {
  readonly config?: Named;
  readonly layers?: readonly Named[];
  readonly manifests?: readonly Named[];
  readonly subject?: Named;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Named {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
