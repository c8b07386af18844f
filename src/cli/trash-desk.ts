import { join, resolve } from "node:path";
import type { Connection } from "../client/connection.ts";
import * as remote from "../client/trash.ts";
import { type EmptyEvent, emptyTrash, planEmpty } from "../gc/trash/empty.ts";
import { type TrashEntry, entryOf } from "../gc/trash/entry.ts";
import { type TrashName, parseChoice } from "../gc/trash/names.ts";
import { type TrashFolder, lookIntoTrash, openTrashFolder } from "../gc/trash/open-folder.ts";
import type { TrashPlace } from "../gc/trash/place.ts";
import { type RestoreEvent, planRestore, restoreTrash } from "../gc/trash/restore.ts";
import { trashRows } from "../gc/trash/select.ts";
import { RegistryError } from "../oci/errors.ts";
import { ownerOf } from "../storage/lock.ts";
import { OURS } from "../storage/tree.ts";
import { type RegistryOptions, connectionTo, openRegistries } from "./registry-options.ts";
import type { Terminal } from "./terminal.ts";

export interface TrashFlags extends RegistryOptions {
  readonly data?: string;
  readonly sparse?: boolean;
}

/** What somebody wants to see: all of it, or what a name, a run and a kind say. */
export interface TrashFilter {
  readonly name?: TrashName;
  readonly run?: number;
  readonly kind?: TrashEntry["kind"];
}

/** Which part something is about: see `parseChoice`. */
export interface TrashPart {
  readonly names: readonly string[];
  readonly run: number | null;
  readonly all: boolean;
}

/** The trash of a registry, wherever it is: behind the API of one that runs, or in a folder. */
export interface TrashDesk extends AsyncDisposable {
  /** For people. */
  readonly source: string;
  /** The newest removals first. */
  list(filter: TrashFilter): AsyncGenerator<TrashEntry>;
  sum(): Promise<{ readonly entries: number; readonly bytes: number }>;
  planRestore(part: TrashPart): AsyncGenerator<RestoreEvent>;
  planEmpty(part: TrashPart): AsyncGenerator<EmptyEvent>;
  restore(part: TrashPart): AsyncGenerator<RestoreEvent>;
  empty(part: TrashPart): AsyncGenerator<EmptyEvent>;
}

/**
 * Opens what the flags name; without any the registry of this machine. A folder that a server of ours has
 * open is that server's. `look`: to change nothing; then there is no lock, and no server that waits for one.
 * Throws DATA_FOLDER, USAGE, and REFUSED where nothing may be freed.
 */
export async function openDesk(
  flags: TrashFlags,
  purpose: "look" | "restore" | "free",
  terminal: Terminal,
): Promise<TrashDesk> {
  const { data, sparse = false } = flags;
  if (data === undefined) return remoteDesk(openRegistries(flags, terminal).at(null), sparse);
  if (flags.registry !== undefined) {
    throw new RegistryError("USAGE", { reason: "--data and --registry exclude each other" });
  }
  const url = ownerOf(join(data, OURS))?.url;
  if (url) return remoteDesk(connectionTo(url, flags, terminal), sparse);
  if (purpose === "look") return folderDesk(data, await lookIntoTrash(data, sparse), null);
  const open = await openTrashFolder(data, purpose, sparse, (_, message) => terminal.note(message));
  return folderDesk(data, open, open.place);
}

/** The lines of the API are the events of the work. */
function remoteDesk(connection: Connection, sparse: boolean): TrashDesk {
  const restore = (part: TrashPart, dryRun: boolean): AsyncGenerator<RestoreEvent> =>
    remote.restoreTrash(connection, {
      ...part,
      sparse,
      dryRun,
    }) as AsyncGenerator as never;
  const empty = (part: TrashPart, dryRun: boolean): AsyncGenerator<EmptyEvent> =>
    remote.emptyTrash(connection, { ...part, dryRun }) as AsyncGenerator as never;
  return {
    source: connection.address.origin,
    list: (filter) => remote.listTrash(connection, parametersOf(filter)) as never,
    sum: async () => await remote.sumTrash(connection),
    planRestore: (part) => restore(part, true),
    planEmpty: (part) => empty(part, true),
    restore: (part) => restore(part, false),
    empty: (part) => empty(part, false),
    async [Symbol.asyncDispose]() {},
  };
}

function parametersOf({ name, run, kind }: TrashFilter): Record<string, string> {
  return {
    ...(name && { repository: name.repository }),
    ...(name?.tag && { tag: name.tag }),
    ...(name?.digest && { digest: name.digest }),
    ...(run !== undefined && { run: String(run) }),
    ...(kind && { kind }),
  };
}

/** `acting`: null where there is only something to look at. */
function folderDesk(data: string, open: TrashFolder, acting: TrashPlace | null): TrashDesk {
  const { place } = open;
  const { rows } = place;
  const choice = ({ names, run, all }: TrashPart) => parseChoice(names, run, all);
  const act = (): TrashPlace => {
    if (acting) return acting;
    throw new Error("this trash was opened to look at it");
  };
  return {
    source: resolve(data),
    async *list({ name, run, kind }) {
      const query = {
        ...(name && { repository: name.repository }),
        ...(name?.tag && { tag: name.tag }),
        ...(name?.digest && { digest: name.digest }),
        ...(run !== undefined && { run }),
        ...(kind && { kind }),
      };
      for await (const record of trashRows(query, rows)) yield entryOf(record);
    },
    sum: async () => await rows.sumTrash(),
    planRestore: (part) => planRestore(choice(part), place),
    planEmpty: (part) => planEmpty(choice(part), place),
    restore: (part) => restoreTrash(choice(part), act()),
    empty: (part) => emptyTrash(choice(part), act()),
    [Symbol.asyncDispose]: async () => await open[Symbol.asyncDispose](),
  };
}
