/** What a simulated disk holds: what programs see, and what of it would survive a power cut. */
export interface DiskState {
  readonly nodes: Map<number, FileNode | FolderNode>;
  /** Changes of folders that were not synced, in their order. */
  pending: readonly EntryChange[];
  next: number;
}

/** Replaced, never changed: states share them. */
export interface FileNode {
  readonly kind: "file";
  readonly content: Uint8Array<ArrayBuffer>;
  readonly durable: Uint8Array<ArrayBuffer>;
  /** What leads from `durable` to `content`. */
  readonly pending: readonly Write[];
}

export interface FolderNode {
  readonly kind: "folder";
  readonly entries: ReadonlyMap<string, number>;
  readonly durable: ReadonlyMap<string, number>;
}

/** `bytes` at an offset, or, when null, a new size. `order`: its place among all changes of the disk. */
export interface Write {
  readonly order: number;
  readonly at: number;
  readonly bytes: Uint8Array<ArrayBuffer> | null;
}

/** Entries of one folder that change together; null: the name is gone. */
export interface EntryChange {
  readonly order: number;
  readonly folder: number;
  readonly changes: readonly (readonly [name: string, node: number | null])[];
  /** The half of a rename between folders that takes the old name away. */
  readonly leaves: boolean;
}

export const ROOT = 0;
export const NOTHING = new Uint8Array(0);

export function emptyDisk(): DiskState {
  const root: FolderNode = { kind: "folder", entries: new Map(), durable: new Map() };
  return { nodes: new Map([[ROOT, root]]), pending: [], next: ROOT + 1 };
}

export function copyState({ nodes, pending, next }: DiskState): DiskState {
  return { nodes: new Map(nodes), pending, next };
}

export function fileAt(state: DiskState, id: number): FileNode {
  const node = state.nodes.get(id);
  if (node?.kind !== "file") throw new Error(`node ${id} is no file`);
  return node;
}

export function folderAt(state: DiskState, id: number): FolderNode {
  const node = state.nodes.get(id);
  if (node?.kind !== "folder") throw new Error(`node ${id} is no folder`);
  return node;
}

export function written(
  content: Uint8Array<ArrayBuffer>,
  { at, bytes }: Write,
): Uint8Array<ArrayBuffer> {
  const size = bytes === null ? at : Math.max(content.length, at + bytes.length);
  const after = new Uint8Array(size);
  after.set(content.subarray(0, size));
  if (bytes) after.set(bytes, at);
  return after;
}

export function changed(
  entries: ReadonlyMap<string, number>,
  { changes }: Pick<EntryChange, "changes">,
): Map<string, number> {
  const after = new Map(entries);
  for (const [name, node] of changes) {
    if (node === null) after.delete(name);
    else after.set(name, node);
  }
  return after;
}

/** Every file with its path, its bytes as programs see them, and its number; folders end with a slash. */
export function* filesOf(
  state: DiskState,
  id = ROOT,
  path = "",
): Iterable<readonly [path: string, bytes: Uint8Array, id: number]> {
  const node = state.nodes.get(id);
  if (node?.kind === "file") yield [path, node.content, id];
  if (node?.kind !== "folder") return;
  yield [`${path}/`, NOTHING, id];
  for (const name of [...node.entries.keys()].toSorted()) {
    yield* filesOf(state, node.entries.get(name), `${path}/${name}`);
  }
}
