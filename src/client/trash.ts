import { RegistryError } from "../oci/errors.ts";
import { isRecord } from "../oci/json.ts";
import type { Connection } from "./connection.ts";
import { type Document, askForLines } from "./json-lines.ts";
import { PageGuard } from "./lists.ts";

/** Bytes of one page of the list. */
const LARGEST_PAGE = 8 * 1024 * 1024;

/** Which part of the trash: see `parseChoice`. */
export interface TrashWish {
  readonly names: readonly string[];
  readonly run: number | null;
  readonly all: boolean;
  readonly dryRun: boolean;
}

/** What the trash has, the newest removals first, unchecked. Throws REMOTE when the registry is none of ours. */
export async function* listTrash(
  connection: Connection,
  wanted: Readonly<Record<string, string>>,
): AsyncGenerator<Document> {
  const guard = new PageGuard(connection.address.origin);
  for (let before: number | null = null; ;) {
    const { entries, next } = await page(connection, wanted, before);
    guard.turn(next === null ? null : String(next), entries.length);
    yield* entries;
    if (next === null) return;
    before = next;
  }
}

/** How many entries the trash has, and how many bytes emptying it frees. */
export async function sumTrash(
  connection: Connection,
): Promise<{ readonly entries: number; readonly bytes: number }> {
  return (await page(connection, { n: "0" }, null)).totals;
}

/** Yields the lines of the answer, the last of them `{"done"}`. */
export function restoreTrash(
  connection: Connection,
  { names, run, all, dryRun, sparse }: TrashWish & { readonly sparse: boolean },
): AsyncGenerator<Document> {
  const body = {
    ...(names.length > 0 && { names }),
    ...(run !== null && { run }),
    all,
    dryRun,
    sparse,
  };
  const ask = { method: "POST", path: "/api/v1/trash/restore", body } as const;
  return askForLines(connection, ask, "the restore");
}

/** Yields the lines of the answer, the last of them `{"done"}`. */
export function emptyTrash(
  connection: Connection,
  { names, run, all, dryRun }: TrashWish,
): AsyncGenerator<Document> {
  const query = new URLSearchParams();
  for (const name of names) query.append("name", name);
  if (run !== null) query.set("run", String(run));
  if (all) query.set("all", "true");
  if (dryRun) query.set("dryRun", "true");
  const ask = { method: "DELETE", path: `/api/v1/trash?${query.toString()}` } as const;
  return askForLines(connection, ask, "the emptying of the trash");
}

async function page(
  connection: Connection,
  wanted: Readonly<Record<string, string>>,
  before: number | null,
) {
  const query = new URLSearchParams({ n: "500", ...wanted });
  if (before !== null) query.set("before", String(before));
  const { origin } = connection.address;
  const reply = await connection.ask({
    method: "GET",
    path: `/api/v1/trash?${query.toString()}`,
    scope: "registry:admin:*",
    accept: "application/json",
  });
  if (reply.status !== 200) {
    throw await connection.refusal(reply, { about: "the trash", missing: "REMOTE" });
  }
  const { entries, next, totals } = await reply.object(LARGEST_PAGE);
  const isNext = next === null || (typeof next === "number" && Number.isSafeInteger(next));
  if (!Array.isArray(entries) || !entries.every(isRecord) || !isNext || !isRecord(totals)) {
    throw new RegistryError("REMOTE", { reason: `${origin} is not a Wharfinger` });
  }
  const { entries: count, bytes } = totals;
  const sum = { entries: Number(count ?? 0), bytes: Number(bytes ?? 0) };
  return { entries, next, totals: sum } as const;
}
