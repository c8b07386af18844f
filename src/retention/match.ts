import type { RetentionManifest } from "../inventory/retention-inventory.ts";
import type { Digest } from "../oci/digest.ts";
import { believed, pulledSince, untaggedTimeOf } from "./clock.ts";
import type { CompiledDelete, CompiledKeep } from "./compile.ts";
import type { Place, TagFacts } from "./facts.ts";
import type { Clock, KeepRule } from "./policy.ts";
import { dateText, dayOf, durationText } from "./words.ts";

/** Whether something holds; null: a time that it takes is not known. */
export type Answer = boolean | null;

/** Whether a rule deletes a tag. Pure. */
export function deletes(rule: CompiledDelete, facts: TagFacts): Answer {
  if (rule.settings.untagged === true || !rule.selects(facts)) return false;
  const { olderThan, clock } = rule.settings;
  if (olderThan === undefined) return true;
  return isOlder(facts.time(clock), olderThan, facts.place);
}

/** Platforms are pushed before their index, and signatures may be before what they sign. */
const ON_ITS_WAY = 3_600_000;

/** Whether a rule names a manifest that has no tag. Whether something else needs it is another question. */
export function deletesUntagged(
  { settings: { untagged, olderThan, clock } }: CompiledDelete,
  manifest: RetentionManifest,
  { inventory, context }: Place,
): boolean {
  if (untagged !== true) return false;
  const since = untaggedTimeOf("pushed", manifest, inventory, context.now);
  if (since !== null && context.now - since < ON_ITS_WAY) return false;
  if (olderThan === undefined) return true;
  const time = untaggedTimeOf(clock, manifest, inventory, context.now);
  return time !== null && context.now - time > olderThan;
}

/** Whether all conditions of a keep rule but `newest` hold for a tag. Pure. */
export function keeps(rule: CompiledKeep, facts: TagFacts): Answer {
  if (!rule.selects(facts)) return false;
  const { settings } = rule;
  if (!isSmall(settings, facts.place)) return false;
  if (settings.inUse !== undefined && usedAs(settings, facts) === null) return false;
  if (!rule.timed) return true;
  const { inventory, context } = facts.place;
  if (settings.pushedWithin === undefined && settings.createdWithin === undefined) {
    const from = context.now - (settings.pulledWithin ?? 0);
    return pulledSince(from, facts.manifest, inventory, context.now);
  }
  return all([
    settings.pushedWithin === undefined ||
      isYounger(facts.time("pushed"), settings.pushedWithin, facts.place),
    settings.createdWithin === undefined ||
      isYounger(facts.time("created"), settings.createdWithin, facts.place),
    settings.pulledWithin === undefined ||
      pulledSince(context.now - settings.pulledWithin, facts.manifest, inventory, context.now),
  ]);
}

/** The same for a manifest without a tag. A rule about tags is none about it. */
export function keepsUntagged(
  { settings, alsoUntagged }: CompiledKeep,
  manifest: RetentionManifest,
  place: Place,
): Answer {
  if (!alsoUntagged || !isSmall(settings, place)) return false;
  const { inventory, context } = place;
  const { now, inUse } = context;
  if (settings.inUse !== undefined) {
    const used = digestsOf(manifest, place).some(
      (digest) => inUse.find(settings.inUse ?? [], inventory.name, null, digest) !== null,
    );
    if (!used) return false;
  }
  const time = (clock: Clock): number | null => untaggedTimeOf(clock, manifest, inventory, now);
  return all([
    settings.pushedWithin === undefined || isYounger(time("pushed"), settings.pushedWithin, place),
    settings.createdWithin === undefined ||
      isYounger(time("created"), settings.createdWithin, place),
    settings.pulledWithin === undefined ||
      pulledSince(now - settings.pulledWithin, manifest, inventory, now),
  ]);
}

/** Whether the repository has no more tags than the rule is about. */
export function isSmall({ tagsAtMost }: KeepRule, { images }: Pick<Place, "images">): boolean {
  return tagsAtMost === undefined || images <= tagsAtMost;
}

/** The reference by which a source keeps the tag: to it, to its digest, or to a part of it; null: none. */
export function usedAs({ inUse: sources }: KeepRule, facts: TagFacts): string | null {
  if (sources === undefined) return null;
  const { place, tag, manifest } = facts;
  const { name } = place.inventory;
  const { inUse } = place.context;
  const direct = inUse.find(sources, name, tag.tag, tag.digest);
  if (direct !== null) return direct;
  for (const digest of digestsOf(manifest, place)) {
    const part = inUse.find(sources, name, null, digest);
    if (part !== null) return part;
  }
  return null;
}

/**
 * All digests by which an image may be known: its own, those of its platforms, and those of their configs,
 * which runtimes call the image's ID. Which of the blobs is the config, an inventory does not say.
 */
function digestsOf(manifest: RetentionManifest, place: Place): Digest[] {
  const parts = manifest.children.length === 0 ? [] : place.partsOf(manifest);
  return [manifest, ...parts].flatMap(({ digest, blobs }) => [
    digest,
    ...blobs.map((blob) => blob.digest),
  ]);
}

/** `older than 14d (pushed 2026-01-02)`; empty where the rule has no such condition. */
export function ageWords(rule: CompiledDelete, facts: TagFacts): string {
  const { olderThan, clock } = rule.settings;
  return olderThan === undefined
    ? ""
    : `older than ${durationText(olderThan)} (${clockWords(clock, facts)})`;
}

/** `pushed 2026-01-02`, with what is believed instead where the image's own time is not. */
export function clockWords(clock: Clock, facts: TagFacts): string {
  const time = facts.time(clock);
  if (time === null) return `${clock}: unknown`;
  if (isInstead(clock, facts)) return `pushed ${dateText(time)}, created unknown`;
  return `${clock === "pulled" ? "last used" : clock} ${dateText(time)}`;
}

/** A number that is the same only where `clockWords` are: words for a million tags are dear, and days few. */
export function clockKey(clock: Clock, facts: TagFacts): number {
  const time = facts.time(clock);
  if (time === null) return -1;
  return 2 * dayOf(time) + (isInstead(clock, facts) ? 1 : 0);
}

/** Whether the push stands for the creation. */
function isInstead(clock: Clock, { manifest, place }: TagFacts): boolean {
  return clock === "created" && believed(manifest.createdAt, place.context.now) === null;
}

function isOlder(time: number | null, than: number, { context }: Place): Answer {
  return time === null ? null : context.now - time > than;
}

function isYounger(time: number | null, than: number, { context }: Place): Answer {
  return time === null ? null : context.now - time <= than;
}

function all(answers: readonly Answer[]): Answer {
  if (answers.includes(false)) return false;
  return answers.includes(null) ? null : true;
}
