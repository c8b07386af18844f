import { type Dirent, type Stats, constants } from "node:fs";
import type { Disk, Looks, OpenFile } from "../../../src/storage/disk.ts";
import {
  type DiskState,
  type EntryChange,
  NOTHING,
  ROOT,
  type Write,
  changed,
  copyState,
  emptyDisk,
  fileAt,
  folderAt,
  written,
} from "./disk-state.ts";

/** What a call is about to do. `reads`: it changes nothing, so that no power cut need be tried before it. */
export interface Call {
  readonly name: string;
  readonly path: string;
  readonly reads: boolean;
}

/** Comes before every call. May throw what the call shall throw; `short`: it takes only a part of the bytes. */
export type Before = (call: Call) => "short" | void;

/** An error as the system gives it. */
export function systemError(code: string, { name, path }: Pick<Call, "name" | "path">): Error {
  return Object.assign(new Error(`${code}: ${name} '${path}'`), { code, syscall: name, path });
}

/**
 * A disk in memory with the least that POSIX promises.
 *
 * A file's bytes are durable when the file was synced, a folder's entries when the folder was; a rename
 * within a folder is one change, one between folders is two, each durable with its own folder. A file
 * whose sync failed counts as clean, and shows bytes that are not on the disk, as on Linux.
 */
export class SimulatedDisk implements Disk {
  before: Before = () => {};
  /** What it says it has done and has not: to see whether a test would notice. */
  lies: "file" | "folder" | "filesystem" | null = null;
  readonly #open = new Map<number, { id: number; path: string }>();
  #descriptors = 3;
  #order = 0;

  constructor(public state: DiskState = emptyDisk()) {}

  /** A copy of all, as it is at this moment. */
  snapshot(): DiskState {
    return copyState(this.state);
  }

  readonly pooled: Looks = {
    stat: async (path) => this.#stat(path),
    readFile: async (path) => this.#read(path),
    readFolder: async (path) => this.#list(path),
  };
  readonly blocking: Looks = {
    stat: (path) => this.#stat(path),
    readFile: (path) => this.#read(path),
    readFolder: (path) => this.#list(path),
  };

  body(path: string): Blob {
    return new Blob([this.#read(path)]);
  }

  async open(path: string, flags: number): Promise<OpenFile> {
    await Promise.resolve();
    const id = this.#openId("open", path, flags);
    const named = (name: string): "short" | void => this.#begin(name, path);
    return {
      stat: async () => ({ size: fileAt(this.state, id).content.length }),
      truncate: async (size) => {
        named("truncate");
        this.#write(id, { at: size, bytes: null });
      },
      writev: async (chunks, at) => {
        await Promise.resolve();
        const short = named("writev") === "short";
        const all = new Uint8Array(Buffer.concat(chunks));
        const bytes = short ? all.subarray(0, all.length >> 1) : all;
        this.#write(id, { at, bytes });
        return { bytesWritten: bytes.length };
      },
      datasync: async () => this.#syncFile("fdatasync", id, path),
      sync: async () => {
        await Promise.resolve();
        this.#syncFile("fsync", id, path);
      },
      close: async () => {},
    };
  }

  async mkdir(path: string): Promise<void> {
    await Promise.resolve();
    this.#begin("mkdir", path);
    this.#makeFolder(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await Promise.resolve();
    this.renameSync(from, to);
  }

  async rm(path: string): Promise<void> {
    await Promise.resolve();
    const found = this.#find(path);
    if (!found) return;
    const node = this.state.nodes.get(found.id);
    if (node?.kind === "folder") {
      for (const name of node.entries.keys()) await this.rm(`${path}/${name}`);
    }
    this.#begin(node?.kind === "folder" ? "rmdir" : "unlink", path);
    this.#change(found.folder, [[found.name, null]]);
  }

  async rmdir(path: string): Promise<void> {
    await Promise.resolve();
    const found = this.#find(path);
    if (!found) throw systemError("ENOENT", { name: "rmdir", path });
    if (folderAt(this.state, found.id).entries.size > 0) {
      throw systemError("ENOTEMPTY", { name: "rmdir", path });
    }
    this.#begin("rmdir", path);
    this.#change(found.folder, [[found.name, null]]);
  }

  async fsync(descriptor: number): Promise<void> {
    await Promise.resolve();
    this.fsyncSync(descriptor);
  }

  openSync(path: string, flags: "r" | "wx"): number {
    const id = this.#openId("open", path, flags);
    this.#open.set(++this.#descriptors, { id, path });
    return this.#descriptors;
  }

  writeSync(descriptor: number, bytes: Uint8Array, at: number): number {
    const { id, path } = this.#opened(descriptor);
    const short = this.#begin("write", path) === "short";
    const { content } = fileAt(this.state, id);
    const part = bytes.slice(at, short ? at + Math.max(1, (bytes.length - at) >> 1) : undefined);
    this.#write(id, { at: content.length, bytes: part });
    return part.length;
  }

  fsyncSync(descriptor: number): void {
    const { id, path } = this.#opened(descriptor);
    if (this.state.nodes.get(id)?.kind === "file") return this.#syncFile("fsync", id, path);
    this.#begin("fsync", path);
    if (this.lies !== "folder") this.#settle((change) => change.folder === id);
  }

  syncfs(descriptor: number): boolean {
    const { path } = this.#opened(descriptor);
    const files = [...this.state.nodes].filter(([, node]) => node.kind === "file");
    try {
      this.#begin("syncfs", path);
    } catch (error) {
      for (const [id] of files) this.#clean(id, false);
      throw error;
    }
    if (this.lies === "filesystem") return true;
    for (const [id] of files) this.#clean(id, true);
    this.#settle(() => true);
    return true;
  }

  closeSync(descriptor: number): void {
    this.#open.delete(descriptor);
  }

  renameSync(from: string, to: string): void {
    this.#begin("rename", to);
    const source = this.#find(from);
    const target = this.#place(to);
    if (!source) throw systemError("ENOENT", { name: "rename", path: from });
    if (source.folder === target.folder) {
      this.#change(target.folder, [
        [source.name, null],
        [target.name, source.id],
      ]);
      return;
    }
    this.#change(target.folder, [[target.name, source.id]]);
    this.#change(source.folder, [[source.name, null]], true);
  }

  rmSync(path: string): void {
    const found = this.#find(path);
    if (!found) return;
    this.#begin("unlink", path);
    this.#change(found.folder, [[found.name, null]]);
  }

  mkdirSync(path: string): void {
    const above = path.slice(0, path.lastIndexOf("/"));
    if (above !== "" && !this.#find(above)) this.mkdirSync(above);
    if (this.#find(path)) return;
    this.#begin("mkdir", path);
    this.#makeFolder(path);
  }

  existsSync(path: string): boolean {
    return this.#find(path) !== null;
  }

  #begin(name: string, path: string, reads = false): "short" | void {
    return this.before({ name, path, reads });
  }

  #find(path: string): { id: number; folder: number; name: string } | null {
    if (path === "/") return { id: ROOT, folder: ROOT, name: "" };
    let folder = ROOT;
    const names = path.split("/").slice(1);
    const last = names.pop() ?? "";
    for (const name of names) {
      const node = this.state.nodes.get(folder);
      const next = node?.kind === "folder" ? node.entries.get(name) : undefined;
      if (next === undefined) return null;
      folder = next;
    }
    const node = this.state.nodes.get(folder);
    const id = node?.kind === "folder" ? node.entries.get(last) : undefined;
    return id === undefined ? null : { id, folder, name: last };
  }

  #look(name: string, path: string): number {
    this.#begin(name, path, true);
    const found = this.#find(path);
    if (!found) throw systemError("ENOENT", { name, path });
    return found.id;
  }

  #stat(path: string): Stats {
    const node = this.state.nodes.get(this.#look("stat", path));
    return {
      size: node?.kind === "file" ? node.content.length : 0,
      mtimeMs: 0,
      isFile: () => node?.kind === "file",
      isDirectory: () => node?.kind === "folder",
    } as unknown as Stats;
  }

  #read(path: string): Uint8Array<ArrayBuffer> {
    return fileAt(this.state, this.#look("read", path)).content;
  }

  #list(path: string): Dirent[] {
    const { entries } = folderAt(this.state, this.#look("readdir", path));
    return [...entries].map(([name, id]) => {
      const { kind } = this.state.nodes.get(id) ?? { kind: "file" };
      const dirent = { name, isFile: () => kind === "file", isDirectory: () => kind === "folder" };
      return dirent as unknown as Dirent;
    });
  }

  /** Where a new name goes; its folder must be there. */
  #place(path: string): { folder: number; name: string } {
    const at = path.lastIndexOf("/");
    const above = this.#find(path.slice(0, at) || "/");
    if (!above) throw systemError("ENOENT", { name: "open", path });
    return { folder: above.id, name: path.slice(at + 1) };
  }

  #openId(name: string, path: string, flags: number | "r" | "wx"): number {
    const creates =
      flags === "wx" || (typeof flags === "number" && (flags & constants.O_CREAT) > 0);
    this.#begin(name, path, !creates);
    const found = this.#find(path);
    if (found) {
      if (flags === "wx") throw systemError("EEXIST", { name, path });
      const truncates = typeof flags === "number" && (flags & constants.O_TRUNC) > 0;
      if (truncates) this.#write(found.id, { at: 0, bytes: null });
      return found.id;
    }
    if (!creates) throw systemError("ENOENT", { name, path });
    const place = this.#place(path);
    const id = this.state.next++;
    this.state.nodes.set(id, { kind: "file", content: NOTHING, durable: NOTHING, pending: [] });
    this.#change(place.folder, [[place.name, id]]);
    return id;
  }

  #opened(descriptor: number): { id: number; path: string } {
    const open = this.#open.get(descriptor);
    if (!open) throw systemError("EBADF", { name: "fd", path: String(descriptor) });
    return open;
  }

  #makeFolder(path: string): void {
    const { folder, name } = this.#place(path);
    if (this.#find(path)) throw systemError("EEXIST", { name: "mkdir", path });
    const id = this.state.next++;
    this.state.nodes.set(id, { kind: "folder", entries: new Map(), durable: new Map() });
    this.#change(folder, [[name, id]]);
  }

  #change(folder: number, changes: EntryChange["changes"], leaves = false): void {
    const node = folderAt(this.state, folder);
    this.state.nodes.set(folder, { ...node, entries: changed(node.entries, { changes }) });
    const change = { order: this.#order++, folder, changes, leaves };
    this.state.pending = [...this.state.pending, change];
  }

  #write(id: number, write: Omit<Write, "order">): void {
    const node = fileAt(this.state, id);
    const ordered = { ...write, order: this.#order++ };
    this.state.nodes.set(id, {
      ...node,
      content: written(node.content, ordered),
      pending: [...node.pending, ordered],
    });
  }

  #syncFile(name: string, id: number, path: string): void {
    try {
      this.#begin(name, path);
    } catch (error) {
      this.#clean(id, false);
      throw error;
    }
    if (this.lies !== "file") this.#clean(id, true);
  }

  /** Nothing of it waits to be written any more; whether it is on the disk is another question. */
  #clean(id: number, durable: boolean): void {
    const node = fileAt(this.state, id);
    if (node.pending.length === 0) return;
    const kept = durable ? node.content : node.durable;
    this.state.nodes.set(id, { ...node, durable: kept, pending: [] });
  }

  #settle(which: (change: EntryChange) => boolean): void {
    for (const change of this.state.pending.filter(which)) {
      const node = folderAt(this.state, change.folder);
      this.state.nodes.set(change.folder, { ...node, durable: changed(node.durable, change) });
    }
    this.state.pending = this.state.pending.filter((change) => !which(change));
  }
}
