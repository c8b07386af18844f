import type { TagDescription } from "../client/description.ts";
import { table } from "./table.ts";
import { ago, humanSize, isoTime, shortDigest } from "./units.ts";

export interface TagTableOptions {
  /** Whole digests instead of the first digits. */
  readonly wholeDigests: boolean;
  /** UTC milliseconds from which ages are counted; null: times are shown as they are. */
  readonly now: number | null;
}

const COLUMNS = [
  { title: "TAG" },
  { title: "DIGEST" },
  { title: "SIZE", align: "right" },
  { title: "PLATFORMS" },
  { title: "PUSHED" },
] as const;

const UNKNOWN = "-";

/** Pure. */
export function tagTable(tags: readonly TagDescription[], options: TagTableOptions): string[] {
  return table(
    COLUMNS,
    tags.map((tag) => row(tag, options)),
  );
}

function row(
  { tag, content, pushedAt }: TagDescription,
  { wholeDigests, now }: TagTableOptions,
): string[] {
  const pushed =
    pushedAt === null ? UNKNOWN : now === null ? isoTime(pushedAt) : ago(pushedAt, now);
  if (!content) return [tag, UNKNOWN, UNKNOWN, UNKNOWN, pushed];
  const { digest, size, platforms } = content;
  return [
    tag,
    wholeDigests ? digest : shortDigest(digest),
    size === null ? UNKNOWN : humanSize(size),
    platforms.join(", ") || UNKNOWN,
    pushed,
  ];
}

/** One entry of the JSON document: what is not known is null, never left out. Pure. */
export function plainTag({ tag, content, pushedAt }: TagDescription) {
  return {
    tag,
    digest: content?.digest ?? null,
    mediaType: content?.mediaType ?? null,
    size: content?.size ?? null,
    platforms: content?.platforms ?? [],
    pushedAt: pushedAt === null ? null : isoTime(pushedAt),
  };
}
