import type { ByteRange, Entry, ObjectInfo, ObjectWriter, SmallObject, Storage, StoredObject } from "./storage.ts";

interface Held {
  bytes: Uint8Array<ArrayBuffer>;
  modifiedAt: number;
}

/** Everything in a map: for tests, and as the shortest statement of what a driver does. */
export function memoryStorage(now: () => number = Date.now): Storage {
  const objects = new Map<string, Held>();
  const put = (path: string, bytes: Uint8Array<ArrayBuffer>): void => {
    objects.set(path, { bytes, modifiedAt: now() });
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
      for (const { path, bytes } of small) put(path, bytes.slice() as Uint8Array<ArrayBuffer>);
    },

    async append(path: string, offset: number): Promise<ObjectWriter> {
      const chunks: Uint8Array[] = [objects.get(path)?.bytes.slice(0, offset) ?? new Uint8Array()];
      const store = async (): Promise<void> => put(path, joined(chunks));
      await store();
      return {
        write(chunk) {
          chunks.push(chunk);
          return undefined;
        },
        sync: store,
        close: store,
      };
    },

    async move(from: string, to: string): Promise<void> {
      const held = objects.get(from);
      if (!held) throw Object.assign(new Error(`nothing to move at ${from}`), { code: "ENOENT" });
      objects.delete(from);
      objects.set(to, held);
    },

    async delete(path: string): Promise<void> {
      objects.delete(path);
      for (const key of objects.keys()) if (key.startsWith(`${path}/`)) objects.delete(key);
    },

    async *list(folder: string): AsyncIterable<Entry> {
      const seen = new Set<string>();
      for (const key of objects.keys()) {
        if (!key.startsWith(`${folder}/`)) continue;
        const [name = "", ...below] = key.slice(folder.length + 1).split("/");
        if (seen.has(name)) continue;
        seen.add(name);
        yield { name, kind: below.length === 0 ? "object" : "folder" };
      }
    },
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(chunks));
}
