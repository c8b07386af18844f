import { emptyTrash, planEmpty } from "../../gc/trash/empty.ts";
import { entryOf } from "../../gc/trash/entry.ts";
import { type TrashChoice, parseChoice } from "../../gc/trash/names.ts";
import { registryPlace } from "../../gc/trash/registry-place.ts";
import { planRestore, restoreTrash } from "../../gc/trash/restore.ts";
import { demandTurn } from "../../gc/trash/turn.ts";
import type { TrashQuery, TrashRecord } from "../../metadata/collection.ts";
import { parseDigest } from "../../oci/digest.ts";
import { parseName } from "../../oci/name.ts";
import { parseTag } from "../../oci/reference.ts";
import type { Handler } from "../exchange.ts";
import { bad, readWish, yesOrNo } from "../json-body.ts";
import { jsonLines } from "../json-lines.ts";
import { flag, requestedPage, single } from "../query.ts";
import { json } from "../reply.ts";
import { until } from "../turns.ts";
import { whoAsks } from "../who.ts";

const USUAL = 100;
/** Each is read with the bytes of its manifest. */
const MOST = 500;

/** What was removed and can be restored, the newest first. `next`: the `before` of the following page, or null. */
export const listTrash: Handler = async ({ query, registry }) => {
  const { metadata } = registry;
  const { limit } = requestedPage(query, USUAL, MOST);
  const records = limit === 0 ? [] : await metadata.listTrash({ ...wantedOf(query), limit });
  const last = records.at(-1);
  return json({
    schemaVersion: 1,
    entries: records.map(entryOf),
    next: last && records.length === limit ? last.id : null,
    totals: await metadata.sumTrash(),
  });
};

/**
 * Restores what the body names, as JSON lines: `{"item"}` for each thing, and `{"done"}` at the end. An answer
 * without the last one has broken off; asking again is safe.
 */
export const restoreFromTrash: Handler = async (exchange) => {
  const { registry } = exchange;
  const { choice, sparse, dryRun } = await wishIn(exchange.request);
  const place = registryPlace(registry, { sparse, by: whoAsks(exchange) });
  const end = demandTurn(registry.storage, "a restore");
  const events = dryRun ? planRestore(choice, place) : restoreTrash(choice, place);
  return jsonLines(await until(end, events));
};

/** Frees what the query names, or all, for good; as JSON lines: `{"progress"}`, and `{"done"}` at the end. */
export const freeTrash: Handler = async ({ query, registry }) => {
  const run = numberOf(query, "run");
  const choice = parseChoice(query.getAll("name").slice(0, MOST_NAMES), run, flag(query, "all"));
  const dryRun = flag(query, "dryRun");
  const { metadata: rows, storage } = registry;
  const trash = { rows, storage };
  const end = demandTurn(storage, "the emptying of the trash");
  const events = dryRun ? planEmpty(choice, trash) : emptyTrash(choice, trash);
  return jsonLines(await until(end, events));
};

/** Names of one request. */
const MOST_NAMES = 1000;

/** Bytes; a thousand long names. */
const LARGEST_WISH = 1024 * 1024;

interface RestoreWish {
  readonly choice: TrashChoice;
  readonly sparse: boolean;
  readonly dryRun: boolean;
}

async function wishIn(request: Request): Promise<RestoreWish> {
  const known = ["names", "run", "all", "sparse", "dryRun"];
  const wish = await readWish(request, known, { limit: LARGEST_WISH, optional: false });
  const { names = [], run = null } = wish;
  if (!Array.isArray(names) || names.length > MOST_NAMES) {
    throw bad(`"names" must be a list of at most ${MOST_NAMES} names`);
  }
  const texts = names.map((name: unknown) => {
    if (typeof name === "string" && name.length <= 1024) return name;
    throw bad(`"names" must be a list of names`);
  });
  if (run !== null && !(typeof run === "number" && Number.isSafeInteger(run) && run >= 0)) {
    throw bad(`"run" must be the number of a run`);
  }
  return {
    choice: parseChoice(texts, run, yesOrNo(wish, "all")),
    sparse: yesOrNo(wish, "sparse"),
    dryRun: yesOrNo(wish, "dryRun"),
  };
}

const KINDS: readonly TrashRecord["kind"][] = ["tag", "manifest", "link", "blob"];

function wantedOf(query: URLSearchParams): Omit<TrashQuery, "limit"> {
  const text = (name: string): string | null => single(query, name) || null;
  const [repository, tag, digest] = [text("repository"), text("tag"), text("digest")];
  const [kind, run, before] = [text("kind"), numberOf(query, "run"), numberOf(query, "before")];
  const known = KINDS.find((one) => one === kind);
  if (kind !== null && !known) throw bad(`kind: it is none of ${KINDS.join(", ")}`);
  return {
    ...(repository !== null && { repository: parseName(repository) }),
    ...(tag !== null && { tag: parseTag(tag) }),
    ...(digest !== null && { digest: parseDigest(digest) }),
    ...(known && { kind: known }),
    ...(run !== null && { run }),
    ...(before !== null && { before }),
  };
}

function numberOf(query: URLSearchParams, name: string): number | null {
  const text = single(query, name) || null;
  if (text === null) return null;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : null;
  if (value === null) throw bad(`${name}: ${JSON.stringify(text.slice(0, 40))} is no number`);
  return value;
}
