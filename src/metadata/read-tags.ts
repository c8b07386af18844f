import type { Digest } from "../oci/digest.ts";
import type { RepositoryName } from "../oci/name.ts";
import { type Tag, isTag } from "../oci/reference.ts";
import type { Storage } from "../storage/storage.ts";
import { tagCurrentLink, tagPath, tagsPath } from "../storage/tree.ts";
import { inParallel } from "./in-parallel.ts";
import type { Notes } from "./doubts.ts";
import type { KnownRepository, TagRecord } from "./metadata.ts";
import { IN_ITS_PLACE, Kept, LOOKS, foldersIn, lookUpLink, orKeepAll } from "./read-links.ts";
import { Unreadable } from "./tree-problem.ts";

/** The tags of one repository, as they are in the tree. */
export class Tags {
  /** As they were known. */
  readonly kept = new Kept<Tag>();
  /** New, or moved. */
  readonly found: TagRecord[] = [];

  constructor(
    readonly storage: Storage,
    readonly name: RepositoryName,
    readonly known: KnownRepository["tags"],
    readonly notes: Notes,
  ) {}

  /** `serves`: whether the repository has that manifest. */
  async read(past: (at: number) => number, serves: (digest: Digest) => boolean): Promise<void> {
    const { kept, name } = this;
    const { remark } = this.notes;
    await orKeepAll(tagsPath(name), kept, remark, async () => {
      await inParallel(LOOKS, this.#all(), async (tag) => {
        try {
          await this.#readOne(tag, past, serves);
        } catch (error) {
          remark(tagCurrentLink(name, tag), new Unreadable(error));
          kept.add(tag);
        }
      });
    });
  }

  /**
   * By its content, always: registry 2 moves a tag back by rewriting this one file in place, and no
   * folder's time shows it.
   */
  async #readOne(
    tag: Tag,
    past: (at: number) => number,
    serves: (digest: Digest) => boolean,
  ): Promise<void> {
    const { storage, name, known, kept, notes } = this;
    const { remark } = notes;
    const path = tagCurrentLink(name, tag);
    const link = await lookUpLink(storage, path, tagPath(name, tag));
    const before = known.get(tag);
    if (!link) {
      remark(path, "the tag has no current link; it is not served");
    } else if (link.digest === null) {
      const instead = before === undefined ? "the tag is not served" : `we go on with ${before}`;
      remark(path, `the link is empty or torn; ${instead}, push the tag again`, "something");
      kept.add(tag);
    } else if (!serves(link.digest)) {
      remark(
        path,
        `the tag names ${link.digest}, which this repository does not have or cannot serve`,
        "something",
      );
      notes.mention(link.digest);
    } else if (link.digest === before) kept.add(tag);
    else this.found.push({ tag, digest: link.digest, pushedAt: past(link.at) });
  }

  async *#all(): AsyncGenerator<Tag> {
    const { storage, name, kept } = this;
    const { remark } = this.notes;
    const folder = tagsPath(name);
    const instead = (tag: string): void => {
      if (!isTag(tag)) return;
      remark(`${folder}/${tag}`, IN_ITS_PLACE, "something");
      kept.add(tag);
    };
    for await (const tag of foldersIn(storage, folder, remark, instead)) {
      if (isTag(tag)) yield tag;
      else {
        const hides = tag.startsWith(".") ? "nothing" : "something";
        remark(`${folder}/${tag}`, "its name is not a valid tag; it is not read", hides);
      }
    }
  }
}
