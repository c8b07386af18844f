import type {
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../inventory/retention-inventory.ts";
import { type Version, parseVersion } from "../oci/version.ts";
import { timeOf } from "./clock.ts";
import type { Graph } from "./graph.ts";
import type { GroupOf } from "./group.ts";
import type { InUse } from "./in-use.ts";
import type { Clock } from "./policy.ts";

/** What decisions need besides the inventory and the policy. */
export interface DecideContext {
  /** UTC milliseconds. */
  readonly now: number;
  readonly inUse: InUse;
}

/** One tag, and what rules ask of it; each is found out once, when it is asked for. */
export class TagFacts {
  #tag: RetentionTag;
  #manifest: RetentionManifest;
  #version: Version | null | undefined;
  /** The last that was asked for: who is kept by it is asked again, for the reason. */
  #groupOf: GroupOf | undefined;
  #group = "";

  constructor(
    tag: RetentionTag,
    manifest: RetentionManifest,
    readonly place: Place,
  ) {
    this.#tag = tag;
    this.#manifest = manifest;
  }

  get tag(): RetentionTag {
    return this.#tag;
  }

  get manifest(): RetentionManifest {
    return this.#manifest;
  }

  get version(): Version | null {
    if (this.#version === undefined) this.#version = parseVersion(this.#tag.tag);
    return this.#version;
  }

  group(groupOf: GroupOf): string {
    if (this.#groupOf !== groupOf) {
      this.#group = groupOf(this);
      this.#groupOf = groupOf;
    }
    return this.#group;
  }

  time(clock: Clock): number | null {
    return timeOf(clock, this.#tag, this.#manifest, this.place.inventory, this.place.context.now);
  }

  /** What whoever was lent them may keep. */
  copy(): TagFacts {
    const copy = new TagFacts(this.#tag, this.#manifest, this.place);
    copy.#version = this.#version;
    copy.#groupOf = this.#groupOf;
    copy.#group = this.#group;
    return copy;
  }

  /** From now on they are those of another tag of the same place. */
  turnTo(tag: RetentionTag, manifest: RetentionManifest): void {
    this.#tag = tag;
    this.#manifest = manifest;
    this.#version = undefined;
    this.#groupOf = undefined;
  }
}

/** Where a tag is looked at. */
export interface Place {
  readonly inventory: RetentionInventory;
  readonly context: DecideContext;
  /** How many tags people have made: all but those that follow a subject. */
  readonly images: number;
  /** The manifests under this one: children, and theirs. */
  readonly partsOf: (manifest: RetentionManifest) => readonly RetentionManifest[];
}

/** The tags that rules are asked about, by their index. There may be a million: no facts are held. */
export class Images {
  readonly #place: Place;
  readonly #graph: Graph;
  readonly #isOne: (index: number) => boolean;
  #lent: TagFacts | undefined;

  constructor(place: Place, graph: Graph, isOne: (index: number) => boolean) {
    this.#place = place;
    this.#graph = graph;
    this.#isOne = isOne;
  }

  /** Of all tags, whether they are images or not. */
  get length(): number {
    return this.#graph.placeOfTag.length;
  }

  /** Undefined: the tag is none of them, or its manifest is not here. */
  at(index: number): TagFacts | undefined {
    return this.lend(index)?.copy();
  }

  /** The same, good until the next are lent: whoever needs them longer takes a copy. */
  lend(index: number): TagFacts | undefined {
    if (!this.#isOne(index)) return undefined;
    const tag = this.#place.inventory.tags[index];
    const manifest = this.#graph.manifests[this.#graph.placeOfTag[index] ?? -1];
    if (tag === undefined || manifest === undefined) return undefined;
    if (this.#lent === undefined) this.#lent = new TagFacts(tag, manifest, this.#place);
    else this.#lent.turnTo(tag, manifest);
    return this.#lent;
  }
}
