import type {
  ByteRange,
  Entry,
  Move,
  ObjectInfo,
  ObjectWriter,
  SmallObject,
  Storage,
  StoredObject,
} from "./storage.ts";

interface Held {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly modifiedAt: number;
}

/** Everything in a map: for tests, and as the shortest statement of what a driver does. */
export function memoryStorage(now: () => number = Date.now): Storage {
  const objects = new Map<string, Held>();
  const put = (path: string, bytes: Uint8Array): void => {
    objects.set(path, { bytes: new Uint8Array(bytes), modifiedAt: now() });
  };

  return {
    async stat(path: string): Promise<ObjectInfo | null> {
      const held = objects.get(path);
      return held ? { size: held.bytes.length, modifiedAt: held.modifiedAt } : null;
    },

    async read(path: string, range?: ByteRange): Promise<StoredObject | null> {
      const held = objects.get(path);
      if (!held) return null;
      const whole = new Blob([held.bytes]);
      return { size: held.bytes.length, body: range ? whole.slice(range.start, range.end) : whole };
    },

    async readSmall(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
      return objects.get(path)?.bytes.slice() ?? null;
    },

    async write(small: readonly SmallObject[]): Promise<void> {
      for (const { path, bytes } of small) put(path, bytes);
    },

    async append(path: string, offset: number): Promise<ObjectWriter> {
      const before = objects.get(path)?.bytes ?? new Uint8Array();
      if (before.length < offset) {
        throw new Error(`cannot append at ${offset}: the object ends at ${before.length}`);
      }
      const chunks: Uint8Array[] = [before.slice(0, offset)];
      let closed = false;
      const store = async (): Promise<void> => {
        if (!closed) put(path, Buffer.concat(chunks));
      };
      await store();
      return {
        write(chunk) {
          chunks.push(chunk);
          return undefined;
        },
        sync: store,
        async close() {
          await store();
          closed = true;
        },
      };
    },

    async move(from: string, to: string): Promise<void> {
      const held = objects.get(from);
      if (!held) throw Object.assign(new Error(`nothing to move at ${from}`), { code: "ENOENT" });
      objects.delete(from);
      objects.set(to, held);
    },

    async moveAll(moves: readonly Move[]): Promise<boolean[]> {
      return moves.map(({ from, to }) => {
        const held = objects.get(from);
        if (!held) return false;
        objects.delete(from);
        objects.set(to, held);
        return true;
      });
    },

    async delete(path: string): Promise<void> {
      objects.delete(path);
      for (const key of objects.keys()) if (key.startsWith(`${path}/`)) objects.delete(key);
    },

    async *list(folder: string): AsyncIterable<Entry> {
      const prefix = folder === "" ? "" : `${folder}/`;
      const seen = new Set<string>();
      for (const key of objects.keys()) {
        if (!key.startsWith(prefix)) continue;
        const [name = "", ...below] = key.slice(prefix.length).split("/");
        if (seen.has(name)) continue;
        seen.add(name);
        yield { name, kind: below.length === 0 ? "object" : "folder" };
      }
    },
  };
}
