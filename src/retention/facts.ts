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
  #version: Version | null | undefined;
  /** The last that was asked for: who is kept by it is asked again, for the reason. */
  #groupOf: GroupOf | undefined;
  #group = "";

  constructor(
    readonly tag: RetentionTag,
    readonly manifest: RetentionManifest,
    readonly place: Place,
  ) {}

  get version(): Version | null {
    if (this.#version === undefined) this.#version = parseVersion(this.tag.tag);
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
    return timeOf(clock, this.tag, this.manifest, this.place.inventory, this.place.context.now);
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

/** The tags that rules are asked about, by their index. Facts are made when they are asked for: there may be a million. */
export class Images {
  readonly #place: Place;
  readonly #graph: Graph;
  readonly #isOne: (index: number) => boolean;

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
    if (!this.#isOne(index)) return undefined;
    const tag = this.#place.inventory.tags[index];
    const manifest = this.#graph.manifests[this.#graph.placeOfTag[index] ?? -1];
    return tag && manifest && new TagFacts(tag, manifest, this.#place);
  }
}
