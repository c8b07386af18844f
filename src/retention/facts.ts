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

/** Of the tags that are asked for, by their index; those whose manifest is not here are left out. */
export function factsIn(
  place: Place,
  graph: Graph,
  which: (index: number) => boolean,
): readonly [indices: readonly number[], facts: readonly TagFacts[]] {
  const indices: number[] = [];
  const facts: TagFacts[] = [];
  for (const [index, tag] of place.inventory.tags.entries()) {
    const manifest = graph.manifests[graph.placeOfTag[index] ?? -1];
    if (manifest === undefined || !which(index)) continue;
    indices.push(index);
    facts.push(new TagFacts(tag, manifest, place));
  }
  return [indices, facts];
}
