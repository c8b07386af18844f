import { type Digest, Hasher, algorithmOf } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import type { Tag } from "../oci/reference.ts";
import { readLink } from "../storage/tree.ts";
import { type BackupDocument, invalid, parseDocument } from "./document.ts";
import { readEntries } from "./entries.ts";
import type { ReadEntry } from "./read-entry.ts";
import { type ReadList, readList } from "./list.ts";
import { type Place, placeOf } from "./place.ts";
import type { SetTag, UserFile } from "./set.ts";

/** What one source has, after all of it was read and every blob compared with its digest. */
export interface Survey {
  readonly source: string;
  /** Null: nobody says that it is whole, as of a tar of a stopped registry. */
  readonly document: BackupDocument | null;
  /** The blobs that its list names, in all of its chain; null without a document. */
  readonly listed: ReadonlyMap<Digest, number> | null;
  readonly repositories: ReadonlyMap<RepositoryName, FoundRepository>;
  readonly blobs: ReadonlyMap<Digest, number>;
  readonly users: ReadonlySet<UserFile>;
  readonly configuration: boolean;
  /** What in it is broken, and is left out. */
  readonly problems: readonly string[];
  /** Files that are of no registry, and are not looked at. */
  readonly strangers: number;
}

export interface FoundRepository {
  readonly layers: Set<Digest>;
  readonly manifests: Set<Digest>;
  readonly tags: Map<Tag, SetTag>;
}

/** How many bytes of blobs were read. */
export type Reading = (bytes: number) => void;

const MOST_DOCUMENT = 16 * 1024 * 1024;
const LONGEST_LINK = 200;

/**
 * Reads a source from its beginning to its end, and changes nothing anywhere. Throws BACKUP_INVALID when
 * it is cut off, when a blob is not what its name says, when something stands in it twice, or when it is
 * not all that its list says.
 */
export async function survey(source: string, reading: Reading): Promise<Survey> {
  const found = new Found(source, reading);
  for await (const entry of readEntries(source)) await found.take(entry, placeOf(entry.path));
  return found.end();
}

class Found {
  #document: BackupDocument | null = null;
  #list: ReadList | null = null;
  readonly #repositories = new Map<RepositoryName, FoundRepository>();
  readonly #blobs = new Map<Digest, number>();
  readonly #users = new Set<UserFile>();
  readonly #problems: string[] = [];
  #configuration = false;
  #strangers = 0;
  #bytes = 0;

  constructor(
    readonly source: string,
    readonly reading: Reading,
  ) {}

  async take(entry: ReadEntry, place: Place): Promise<void> {
    switch (place.is) {
      case "document":
        this.#once(entry, this.#document === null);
        this.#document = parseDocument(await this.#small(entry, MOST_DOCUMENT), this.source);
        return;
      case "list":
        this.#once(entry, this.#list === null);
        this.#list = await readList(entry.body, this.source);
        return;
      case "unfinished":
        throw invalid(
          this.source,
          "this backup was not finished; make it again, which goes on with it",
        );
      case "blob":
        this.#once(entry, !this.#blobs.has(place.digest));
        await this.#readBlob(entry, place.digest);
        return;
      case "layer":
      case "manifest":
      case "tag":
        return await this.#readLink(entry, place);
      case "user":
        this.#once(entry, !this.#users.has(place.file));
        this.#users.add(place.file);
        return;
      case "configuration":
        this.#configuration = true;
        return;
      case "passing":
        return;
      case "other":
        this.#strangers++;
    }
  }

  end(): Survey {
    const { source } = this;
    const document = this.#document;
    if (document && this.#list?.digest !== document.list) {
      throw invalid(
        source,
        this.#list ? "its list is not the one it was made with" : "it has no list",
      );
    }
    if (!document && this.#blobs.size + this.#repositories.size === 0) {
      throw invalid(
        source,
        "there is no registry in it: no docker/registry/v2/blobs or repositories",
      );
    }
    return {
      source,
      document,
      listed: document && (this.#list?.blobs ?? null),
      repositories: this.#repositories,
      blobs: this.#blobs,
      users: this.#users,
      configuration: this.#configuration,
      problems: this.#problems,
      strangers: this.#strangers,
    };
  }

  #once({ path }: ReadEntry, first: boolean): void {
    if (!first) throw invalid(this.source, `${path} is in it twice`);
  }

  async #readBlob({ path, size, body }: ReadEntry, digest: Digest): Promise<void> {
    const hasher = new Hasher(algorithmOf(digest));
    for await (const piece of body) {
      hasher.update(piece);
      this.#bytes += piece.length;
      this.reading(this.#bytes);
    }
    if (hasher.digest() !== digest) {
      throw invalid(this.source, `${path} has not the bytes of its digest`);
    }
    this.#blobs.set(digest, size);
  }

  async #readLink(
    entry: ReadEntry,
    place: Extract<Place, { readonly is: "layer" | "manifest" | "tag" }>,
  ): Promise<void> {
    const { path, size, modifiedAt } = entry;
    const bytes = size > LONGEST_LINK ? null : await this.#small(entry, LONGEST_LINK);
    const named = bytes && readLink(bytes);
    const repository = this.#repository(place.name);
    if (place.is === "tag") {
      this.#once(entry, !repository.tags.has(place.tag));
      if (!named) this.#problems.push(`${path} is empty or torn: the tag is left out`);
      else repository.tags.set(place.tag, { tag: place.tag, digest: named, pushedAt: modifiedAt });
      return;
    }
    const links = place.is === "layer" ? repository.layers : repository.manifests;
    this.#once(entry, !links.has(place.digest));
    // The folder says the same once more, so a torn link is taken for that; one that differs is not.
    if (named && named !== place.digest)
      this.#problems.push(`${path} names ${named}: it is left out`);
    else links.add(place.digest);
  }

  #repository(name: RepositoryName): FoundRepository {
    const known = this.#repositories.get(name);
    if (known) return known;
    const found = { layers: new Set<Digest>(), manifests: new Set<Digest>(), tags: new Map() };
    this.#repositories.set(name, found);
    return found;
  }

  async #small({ path, size, body }: ReadEntry, most: number): Promise<Uint8Array> {
    if (size > most) throw invalid(this.source, `${path} has ${size} bytes, too many`);
    return Buffer.concat(await Array.fromAsync(body));
  }
}
