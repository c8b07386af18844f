import type { Fixture } from "../../support/image.ts";
import type { Blob } from "../../support/oci.ts";

/** Where a hazard is built: in a tree as another registry leaves it, or in a registry of ours that runs. */
export interface Scene {
  /** An image with all that it needs. Without a tag: by its digest only. */
  put(repository: string, fixture: Fixture, ...tags: string[]): Promise<void>;
  /** The manifest and its own blobs, but none of its children. */
  putAlone(repository: string, fixture: Fixture, ...tags: string[]): Promise<void>;
  /** A manifest, and nothing that it names. */
  putBare(repository: string, fixture: Fixture, ...tags: string[]): Promise<void>;
  /** A layer with its link, that no manifest names yet. */
  layer(repository: string, blob: Blob): Promise<void>;
  untag(repository: string, tag: string): Promise<void>;
  /** All that is there is older than every grace from now on. */
  age(): Promise<void>;
}

/** A scene that is a folder of files; whatever a registry has left there can be made. */
export interface TreeScene extends Scene {
  /** Where it is. */
  readonly data: string;
  /** A file; its folders are made. The path begins at the data folder. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

/** What must be there in the end, to the last file. All else that was in the tree must be gone. */
export interface Expected {
  readonly live: readonly Live[];
  /** Repositories of which no file may be touched, and the digests whose bytes stay for their sake. */
  readonly whole?: readonly { readonly repository: string; readonly blobs: readonly string[] }[];
  /** Something cannot be read that may name any blob: then the bytes of what goes may stay. */
  readonly hides?: boolean;
  /** Other paths that stay, from the data folder; a folder stays with all that is in it. */
  readonly stays?: readonly string[];
}

/** An image that is pulled completely in the end, and of which exactly the files of the layout are left. */
export interface Live {
  readonly repository: string;
  readonly fixture: Fixture;
  readonly tags: readonly string[];
  /** Digests that were never there, or whose bytes were lost before. */
  readonly lacks?: readonly string[];
}

/** One thing that collections of garbage get wrong, or could. */
export interface Hazard {
  /** A sentence about what is right. */
  readonly name: string;
  build(scene: Scene): Promise<Expected>;
}

/** One that only files can show: what no registry of ours would leave. */
export interface TreeHazard {
  readonly name: string;
  build(scene: TreeScene): Promise<Expected>;
}

export function live(repository: string, fixture: Fixture, ...tags: string[]): Live {
  return { repository, fixture, tags };
}
