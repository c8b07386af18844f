import {
  type DiskState,
  type EntryChange,
  type FileNode,
  type FolderNode,
  type Write,
  NOTHING,
  changed,
  copyState,
  written,
} from "./disk-state.ts";
import type { Random } from "../../support/random.ts";

/** What a crash makes of everything that was not synced. */
export interface Damage {
  readonly name: string;
  /** The changes of folders that reach the disk, in their order. */
  entries(pending: readonly EntryChange[], random: Random): readonly EntryChange[];
  /** The bytes of a file that reach the disk. */
  bytes(file: FileNode, random: Random): Uint8Array<ArrayBuffer>;
}

const SECTOR = 512;

type Entries = Damage["entries"];
type Bytes = Damage["bytes"];

const allEntries: Entries = (pending) => pending;
const noEntries: Entries = () => [];
const someEntries: Entries = (pending, random) => pending.filter(() => random.coin());
/** Older changes are lost, newer ones are not: renames overtake each other. */
const lastEntries: Entries = (pending, random) => pending.slice(random.below(pending.length + 1));
/** As a journal of a file system has them. */
const firstEntries: Entries = (pending, random) =>
  pending.slice(0, random.below(pending.length + 1));
/** After a rename between folders both names are there. */
const bothNames: Entries = (pending) => pending.filter(({ leaves }) => !leaves);

const seenBytes: Bytes = ({ content }) => content;
const syncedBytes: Bytes = ({ durable }) => durable;

/** A part of the last write, and all before it. */
const tornBytes: Bytes = ({ durable, pending }, random) => {
  const last = pending.at(-1);
  const before = pending.slice(0, -1).reduce(written, durable);
  if (!last?.bytes) return before;
  const torn: Write = { ...last, bytes: last.bytes.slice(0, random.below(last.bytes.length + 1)) };
  return written(before, torn);
};

/** Each sector of each write, or not. */
const someSectors: Bytes = ({ durable, pending }, random) => {
  let content = durable;
  for (const write of pending) {
    if (write.bytes === null) {
      if (random.coin()) content = written(content, write);
      continue;
    }
    for (let from = 0; from < write.bytes.length; from += SECTOR) {
      if (random.coin()) continue;
      const bytes = write.bytes.slice(from, from + SECTOR);
      content = written(content, { ...write, at: write.at + from, bytes });
    }
  }
  return content;
};

/** The size has reached the disk, and bytes only up to somewhere; zeros stand in for the others. */
const zeroTail: Bytes = ({ content, durable, pending }, random) => {
  if (pending.length === 0) return durable;
  const kept = content.slice();
  kept.fill(0, Math.min(content.length, durable.length, random.below(content.length + 1)));
  return kept;
};

/** The same, with what another file has left on the disk. */
const junkTail: Bytes = (file, random) => {
  const kept = zeroTail(file, random);
  return kept.map((byte, at) =>
    byte === 0 && at >= file.durable.length ? random.below(256) : byte,
  );
};

const emptyIfNew: Bytes = ({ durable, pending }) => (pending.length > 0 ? NOTHING : durable);

export const DAMAGES: readonly Damage[] = [
  { name: "all that was not synced is lost", entries: noEntries, bytes: syncedBytes },
  { name: "nothing is lost (only the process died)", entries: allEntries, bytes: seenBytes },
  { name: "names without bytes", entries: allEntries, bytes: syncedBytes },
  { name: "bytes without names", entries: noEntries, bytes: seenBytes },
  { name: "a random part of names and sectors", entries: someEntries, bytes: someSectors },
  { name: "in order up to a moment, the last write torn", entries: firstEntries, bytes: tornBytes },
  { name: "newer renames without older ones", entries: lastEntries, bytes: seenBytes },
  { name: "newer renames without older ones, no bytes", entries: lastEntries, bytes: syncedBytes },
  { name: "a tail of zeros", entries: allEntries, bytes: zeroTail },
  { name: "a tail of what was there before", entries: allEntries, bytes: junkTail },
  { name: "both names of a moved file", entries: bothNames, bytes: seenBytes },
  { name: "some names, and new files empty", entries: someEntries, bytes: emptyIfNew },
];

/** Whether only the process died: the system still has what was not synced, and may still lose it. */
export function systemLives(damage: Damage): boolean {
  return damage.entries === allEntries && damage.bytes === seenBytes;
}

/** The disk as it is found after the crash: what there is, is durable, unless only the process died. */
export function afterCrash(state: DiskState, damage: Damage, random: Random): DiskState {
  if (systemLives(damage)) return copyState(state);
  const kept = damage.entries(state.pending, random);
  const nodes = new Map<number, FileNode | FolderNode>();
  for (const [id, node] of state.nodes) {
    if (node.kind === "file") {
      // What a failed sync dropped counts as clean, and is lost.
      const bytes = node.pending.length > 0 ? damage.bytes(node, random) : node.durable;
      nodes.set(id, { kind: "file", content: bytes, durable: bytes, pending: [] });
    } else {
      const own = kept.filter(({ folder }) => folder === id);
      const entries = own.reduce(changed, node.durable);
      nodes.set(id, { kind: "folder", entries, durable: entries });
    }
  }
  return { nodes, pending: [], next: state.next };
}
