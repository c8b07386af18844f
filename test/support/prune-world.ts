import { createHash } from "node:crypto";
import { RegistryError } from "../../src/oci/errors.ts";
import type {
  RetentionInventory,
  RetentionManifest,
} from "../../src/inventory/retention-inventory.ts";
import { type Digest, parseDigest } from "../../src/oci/digest.ts";
import { type RepositoryName, parseName } from "../../src/oci/name.ts";
import { type Tag, parseTag } from "../../src/oci/reference.ts";
import type { PruneTarget } from "../../src/plan/prune-target.ts";

/** What happens at a registry in memory: every call of a target, before it does anything. */
export interface Call {
  readonly method: "inventoryOf" | "resolve" | "removeTag" | "deleteManifest";
  readonly repository: RepositoryName;
  readonly what: string;
}

interface Stored {
  readonly tags: Map<Tag, { readonly digest: Digest; readonly pushedAt: number }>;
  readonly manifests: Map<Digest, RetentionManifest>;
}

/**
 * A registry in memory that holds what retention looks at and nothing else. Deleting a manifest takes its
 * tags, and neither its children nor its referrers, as the spec has it. Time stands still unless moved.
 */
export class PruneWorld {
  readonly repositories = new Map<RepositoryName, Stored>();
  now = 1_800_000_000_000;
  /** Called before each call; what it throws is the registry's answer. */
  before: (call: Call) => void = () => undefined;
  /** Removals that were asked for. */
  readonly removals: Call[] = [];
  #count = 0;

  /** An image with blobs by name: equal names are one blob. Returns its digest. */
  push(
    repository: string,
    tags: readonly string[],
    options: {
      readonly blobs?: readonly string[];
      readonly children?: readonly Digest[];
      readonly subject?: Digest;
      readonly seed?: string;
      readonly pushedAt?: number;
    } = {},
  ): Digest {
    const { children = [], subject = null, pushedAt = this.now } = options;
    const blobs = (options.blobs ?? []).map((name) => ({
      digest: digestOf(`blob ${name}`),
      size: sizeOf(name),
    }));
    const seed = options.seed ?? String(++this.#count);
    const digest = digestOf(JSON.stringify([seed, blobs, children, subject]));
    const kind = children.length > 0 ? "index" : "manifest";
    const manifest: RetentionManifest = {
      digest,
      mediaType: `application/vnd.oci.image.${kind}.v1+json`,
      size: 100,
      pushedAt,
      createdAt: null,
      pulledAt: null,
      untaggedAt: tags.length === 0 ? pushedAt : null,
      subject,
      artifactType: null,
      children,
      blobs,
    };
    const { manifests } = this.at(repository);
    manifests.set(digest, manifest);
    for (const tag of tags) this.tag(repository, tag, digest, pushedAt);
    return digest;
  }

  tag(repository: string, tag: string, digest: Digest, pushedAt = this.now): void {
    this.at(repository).tags.set(parseTag(tag), { digest, pushedAt });
  }

  at(repository: string): Stored {
    const name = parseName(repository);
    const known = this.repositories.get(name) ?? { tags: new Map(), manifests: new Map() };
    this.repositories.set(name, known);
    return known;
  }

  inventory(name: RepositoryName, untaggedListed = true): RetentionInventory | null {
    const stored = this.repositories.get(name);
    if (!stored) return null;
    const tags = [...stored.tags].map(([tag, { digest, pushedAt }]) => ({ tag, digest, pushedAt }));
    const all = [...stored.manifests.values()];
    const manifests = untaggedListed
      ? all
      : reachable(
          all,
          tags.map(({ digest }) => digest),
        );
    return { name, tags, manifests, untaggedListed, unreadable: [] };
  }

  /** What it holds, to compare. */
  state(): Record<string, unknown> {
    const names = [...this.repositories.keys()].toSorted();
    return Object.fromEntries(
      names.map((name) => {
        const { tags, manifests } = this.at(name);
        const named = [...tags].map(([tag, { digest }]) => `${tag} ${digest}`).toSorted();
        return [name, { tags: named, manifests: [...manifests.keys()].toSorted() }];
      }),
    );
  }

  copy(): PruneWorld {
    const other = new PruneWorld();
    other.now = this.now;
    other.#count = this.#count;
    for (const [name, { tags, manifests }] of this.repositories) {
      other.repositories.set(name, { tags: new Map(tags), manifests: new Map(manifests) });
    }
    return other;
  }

  /** Bytes of all that manifests name, each once. */
  bytes(): number {
    const sizes = new Map<Digest, number>();
    for (const { manifests } of this.repositories.values()) {
      for (const { digest, size, blobs } of manifests.values()) {
        sizes.set(digest, size);
        for (const blob of blobs) sizes.set(blob.digest, blob.size);
      }
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** `seesTags`: it refuses to delete a manifest that has other tags than it may have. */
  target({ removesTags = true, untaggedListed = true, seesTags = true } = {}): PruneTarget {
    const called = (method: Call["method"], repository: RepositoryName, what = ""): void => {
      const call = { method, repository, what };
      this.before(call);
      if (method === "removeTag" || method === "deleteManifest") this.removals.push(call);
    };
    const { repositories } = this;
    const inventory = (name: RepositoryName) => this.inventory(name, untaggedListed);
    return {
      registry: { name: "world", place: "https://world.example", bytes: "exact" },
      removesTags: async () => removesTags,
      async *repositories() {
        yield* [...repositories.keys()].toSorted();
      },
      async inventoryOf(name) {
        called("inventoryOf", name);
        return inventory(name);
      },
      async resolve(name, tag) {
        called("resolve", name, tag);
        return repositories.get(name)?.tags.get(tag)?.digest ?? null;
      },
      async removeTag(name, tag) {
        called("removeTag", name, tag);
        if (!removesTags) throw new RegistryError("REFUSED", { reason: "no single tag" });
        repositories.get(name)?.tags.delete(tag);
      },
      async deleteManifest(name, digest, only) {
        called("deleteManifest", name, digest);
        const stored = repositories.get(name);
        const others = [...(stored?.tags ?? [])].filter(([, one]) => one.digest === digest);
        if (seesTags && only && others.some(([tag]) => !only.includes(tag))) {
          throw new RegistryError("REFUSED", { reason: `${digest} has got a tag` });
        }
        stored?.manifests.delete(digest);
        for (const [tag, one] of stored?.tags ?? []) {
          if (one.digest === digest) stored?.tags.delete(tag);
        }
      },
      close: async () => undefined,
    };
  }
}

function reachable(
  all: readonly RetentionManifest[],
  from: readonly Digest[],
): RetentionManifest[] {
  const known = new Map(all.map((one) => [one.digest, one]));
  const found = new Set<RetentionManifest>();
  const waiting = [...from];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const manifest = known.get(next);
    if (!manifest || found.has(manifest)) continue;
    found.add(manifest);
    waiting.push(...manifest.children);
  }
  return [...found];
}

export function digestOf(text: string): Digest {
  return parseDigest(`sha256:${createHash("sha256").update(text).digest("hex")}`);
}

function sizeOf(name: string): number {
  return 1000 + (Number.parseInt(digestOf(name).slice(7, 11), 16) % 1000);
}
