import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { steps, take } from "./contract-model.ts";
import { append, bodyOf, bytes, everything, failure, listed, textAt } from "./contract-support.ts";
import type { Storage } from "./storage.ts";

/** A storage with nothing in it; leaving the scope removes what was put there. */
export interface EmptyStorage extends AsyncDisposable {
  readonly storage: Storage;
}

/** What every driver promises (`storage.ts`), as tests. A driver adds those of its own medium. */
export function storageContract(name: string, make: () => Promise<EmptyStorage>): void {
  const check = (promise: string, work: (storage: Storage) => Promise<void>): void => {
    test(promise, async () => {
      await using made = await make();
      await work(made.storage);
    });
  };

  describe(`${name}: what is not there`, () => {
    check("is null or nothing, never an error", async (storage) => {
      expect(await storage.stat("a/b")).toBeNull();
      expect(await storage.read("a/b")).toBeNull();
      expect(await storage.read("a/b", { start: 0, end: 1 })).toBeNull();
      expect(await storage.readSmall("a/b")).toBeNull();
      expect(await listed(storage, "a")).toEqual([]);
    });

    check("is also what would lie below an object", async (storage) => {
      await storage.write([{ path: "a/b", bytes: bytes("x") }]);
      expect(await storage.stat("a/b/c")).toBeNull();
      expect(await storage.read("a/b/c")).toBeNull();
      expect(await storage.readSmall("a/b/c")).toBeNull();
      expect(await listed(storage, "a/b")).toEqual([]);
    });

    check("is an object where a folder is", async (storage) => {
      await storage.write([{ path: "a/b/c", bytes: bytes("x") }]);
      expect(await storage.stat("a/b")).toBeNull();
      expect(await storage.read("a/b")).toBeNull();
    });
  });

  describe(`${name}: small objects`, () => {
    check("are read back whole, in folders that come with them", async (storage) => {
      await storage.write([
        { path: "a/one", bytes: bytes("1") },
        { path: "a/deep/er/two", bytes: bytes("22") },
        { path: "empty", bytes: bytes("") },
      ]);
      expect(await textAt(storage, "a/one")).toBe("1");
      expect(await textAt(storage, "a/deep/er/two")).toBe("22");
      expect(await textAt(storage, "empty")).toBe("");
    });

    check("replace what was there, whether they are longer or shorter", async (storage) => {
      for (const text of ["middle", "a longer one", "short"]) {
        await storage.write([{ path: "a/b", bytes: bytes(text) }]);
        expect(await textAt(storage, "a/b")).toBe(text);
      }
    });

    check("written in one call to the same path leave the last", async (storage) => {
      await storage.write([
        { path: "a", bytes: bytes("first") },
        { path: "a", bytes: bytes("last") },
      ]);
      expect(await textAt(storage, "a")).toBe("last");
    });

    check("leave nothing else beside them", async (storage) => {
      await storage.write([{ path: "a/b", bytes: bytes("x") }]);
      await storage.write([{ path: "a/b", bytes: bytes("y") }]);
      expect(await everything(storage)).toEqual({ "a/b": "y" });
    });

    check("can be none at all", async (storage) => {
      await storage.write([]);
      await storage.write([{ path: "a/b", bytes: bytes("x") }]);
      await storage.delete("a");
      await storage.write([]);
      expect(await everything(storage)).toEqual({});
    });

    check(
      "belong to the caller again when they are written, and when they were read",
      async (storage) => {
        const mine = bytes("mine");
        await storage.write([{ path: "a", bytes: mine }]);
        mine.fill(0);
        const read = await storage.readSmall("a");
        read?.fill(0);
        expect(await textAt(storage, "a")).toBe("mine");
      },
    );

    check(
      "have their size and the time of their writing, in whole milliseconds",
      async (storage) => {
        const before = Date.now();
        await storage.write([{ path: "a", bytes: bytes("12345") }]);
        const info = await storage.stat("a");
        expect(info?.size).toBe(5);
        expect(Number.isInteger(info?.modifiedAt)).toBe(true);
        // A medium may keep its times in ticks of some milliseconds, or by a clock of its own.
        expect(Math.abs((info?.modifiedAt ?? 0) - before)).toBeLessThan(5000);
      },
    );

    check("are seen whole while they are being replaced", async (storage) => {
      const versions = ["a".repeat(10), "b".repeat(100_000)];
      await storage.write([{ path: "x", bytes: bytes(versions[0] ?? "") }]);
      const seen = new Set<string>();
      const write = async (): Promise<void> => {
        for (let i = 0; i < 40; i++) {
          await storage.write([{ path: "x", bytes: bytes(versions[i % 2] ?? "") }]);
        }
      };
      const read = async (): Promise<void> => {
        for (let i = 0; i < 80; i++) seen.add(await textAt(storage, "x"));
      };
      await Promise.all([write(), read(), read()]);
      expect([...seen].filter((text) => !versions.includes(text))).toEqual([]);
    });
  });

  describe(`${name}: reading`, () => {
    check("gives every range as it was asked for, and the size of the whole", async (storage) => {
      const whole = Uint8Array.from({ length: 70_000 }, (_, at) => at % 251);
      await storage.write([{ path: "a", bytes: whole }]);
      const ends = fc.tuple(fc.nat(whole.length), fc.nat(whole.length));
      await fc.assert(
        fc.asyncProperty(ends, async ([one, other]) => {
          const range = { start: Math.min(one, other), end: Math.max(one, other) };
          const read = await storage.read("a", range);
          expect(read?.size).toBe(whole.length);
          expect(await bodyOf(read)).toEqual(whole.slice(range.start, range.end));
        }),
        { numRuns: 50 },
      );
    });

    check("without a range gives all of it", async (storage) => {
      await storage.write([{ path: "a", bytes: bytes("all of it") }]);
      const read = await storage.read("a");
      expect(read?.size).toBe(9);
      expect(await bodyOf(read)).toEqual(bytes("all of it"));
    });

    check("costs nothing when nobody takes the body", async (storage) => {
      await storage.write([{ path: "a", bytes: bytes("x") }]);
      for (let i = 0; i < 2000; i++) await storage.read("a");
      expect(await textAt(storage, "a")).toBe("x");
    });
  });

  describe(`${name}: appending`, () => {
    check("keeps all bytes, in order, however they are cut", async (storage) => {
      const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(300_000)), { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(sizes, async (lengths) => {
          const chunks = lengths.map((length, at) => new Uint8Array(length).fill(at + 1));
          await append(storage, "uploads/a", 0, ...chunks);
          const read = await storage.readSmall("uploads/a");
          expect(Buffer.compare(read ?? bytes(""), Buffer.concat(chunks))).toBe(0);
        }),
        { numRuns: 20 },
      );
    });

    check("creates an empty object when nothing is written", async (storage) => {
      await append(storage, "uploads/a", 0);
      expect(await textAt(storage, "uploads/a")).toBe("");
    });

    check("goes on where the last writer ended", async (storage) => {
      await append(storage, "a", 0, bytes("one, "));
      await append(storage, "a", 5, bytes("two, "));
      await append(storage, "a", 10, bytes("three"));
      expect(await textAt(storage, "a")).toBe("one, two, three");
    });

    check("cuts off what lies behind its offset", async (storage) => {
      await append(storage, "a", 0, bytes("kept, torn off"));
      await append(storage, "a", 6);
      expect(await textAt(storage, "a")).toBe("kept, ");
      await append(storage, "a", 0, bytes("new"));
      expect(await textAt(storage, "a")).toBe("new");
    });

    check("refuses to leave a gap, and changes nothing then", async (storage) => {
      await append(storage, "a", 0, bytes("12345"));
      expect(await failure(storage.append("a", 6))).toBeInstanceOf(Error);
      expect(await textAt(storage, "a")).toBe("12345");
    });

    check("keeps what was written before a close without a sync", async (storage) => {
      const writer = await storage.append("a", 0);
      await writer.write(bytes("half of"));
      await writer.close();
      expect(await textAt(storage, "a")).toBe("half of");
    });

    check("shows after a sync all that was written, and takes more", async (storage) => {
      const writer = await storage.append("a", 0);
      await writer.write(bytes("synced"));
      await writer.sync();
      expect(await textAt(storage, "a")).toBe("synced");
      await writer.write(bytes(", and on"));
      await writer.sync();
      await writer.close();
      expect(await textAt(storage, "a")).toBe("synced, and on");
    });

    check(
      "ends once: a second close does nothing, also when the object was moved away",
      async (storage) => {
        const writer = await storage.append("a", 0);
        await writer.write(bytes("x"));
        await writer.sync();
        await writer.close();
        await storage.move("a", "b/c/data");
        await writer.close();
        expect(await everything(storage)).toEqual({ "b/c/data": "x" });
      },
    );
  });

  describe(`${name}: moving`, () => {
    check("takes an object to a new folder, and leaves nothing behind", async (storage) => {
      await append(storage, "uploads/a", 0, bytes("layer"));
      await storage.move("uploads/a", "blobs/ab/abc/data");
      expect(await everything(storage)).toEqual({ "blobs/ab/abc/data": "layer" });
    });

    check("replaces what is at the target", async (storage) => {
      await storage.write([
        { path: "from/a", bytes: bytes("new") },
        { path: "to/b/data", bytes: bytes("old, and longer") },
      ]);
      await storage.move("from/a", "to/b/data");
      expect(await everything(storage)).toEqual({ "to/b/data": "new" });
    });

    check("of what is not there fails, and leaves the target as it is", async (storage) => {
      await storage.write([{ path: "to/b/data", bytes: bytes("old") }]);
      expect(await failure(storage.move("from/a", "to/b/data"))).toBeInstanceOf(Error);
      expect(await everything(storage)).toEqual({ "to/b/data": "old" });
    });

    check("to one target at the same time leaves one of them, whole", async (storage) => {
      const texts = Array.from({ length: 8 }, (_, at) => String(at).repeat(1000));
      await storage.write(texts.map((text, at) => ({ path: `from/${at}`, bytes: bytes(text) })));
      await Promise.all(texts.map((_, at) => storage.move(`from/${at}`, "to/x/data")));
      expect(texts).toContain(await textAt(storage, "to/x/data"));
      expect(await listed(storage, "from")).toEqual([]);
    });

    check(
      "many at once says which were there, and tidies what they leave empty",
      async (storage) => {
        await storage.write([
          { path: "blobs/aa/one/data", bytes: bytes("1") },
          { path: "blobs/aa/two/data", bytes: bytes("2") },
          { path: "blobs/aa/two/beside", bytes: bytes("stays") },
        ]);
        const moves = ["one", "none", "two"].map((word) => ({
          from: `blobs/aa/${word}/data`,
          to: `trash/${word}`,
        }));

        expect(await storage.moveAll(moves)).toEqual([true, false, true]);
        expect(await everything(storage)).toEqual({
          "trash/one": "1",
          "trash/two": "2",
          "blobs/aa/two/beside": "stays",
        });
        expect(await listed(storage, "blobs/aa")).toEqual(["folder two"]);
        expect(await storage.moveAll(moves)).toEqual([false, false, false]);
        expect(await storage.moveAll([])).toEqual([]);
      },
    );

    check("many takes them to a folder that was tidied away in between", async (storage) => {
      for (const word of ["one", "two"]) {
        await storage.write([{ path: `blobs/${word}/data`, bytes: bytes(word) }]);
        await storage.moveAll([{ from: `blobs/${word}/data`, to: `trash/${word}` }]);
        await storage.delete("trash");
      }
      expect(await everything(storage)).toEqual({});
    });
  });

  describe(`${name}: deleting`, () => {
    check(
      "removes an object, or a folder with all that is in it, and nothing beside",
      async (storage) => {
        const paths = ["a/b", "a/bc", "a/b-/x", "f/1/x", "f/2/x", "f2/x"];
        await storage.write(paths.map((path) => ({ path, bytes: bytes("x") })));
        await storage.delete("a/b");
        await storage.delete("f");
        expect(Object.keys(await everything(storage))).toEqual(["a/b-/x", "a/bc", "f2/x"]);
      },
    );

    check("twice is the same as once", async (storage) => {
      await storage.write([{ path: "a/b", bytes: bytes("x") }]);
      await storage.delete("a/b");
      await storage.delete("a/b");
      await storage.delete("never/was");
      expect(await storage.stat("a/b")).toBeNull();
    });

    check("of a folder lets everything come again", async (storage) => {
      for (const text of ["first", "second"]) {
        await append(storage, "a/b/up", 0, bytes(text));
        await storage.move("a/b/up", "a/c/d/data");
        await storage.write([{ path: "a/e/link", bytes: bytes(text) }]);
        expect(await everything(storage)).toEqual({ "a/c/d/data": text, "a/e/link": text });
        await storage.delete("a");
        expect(await everything(storage)).toEqual({});
      }
    });
  });

  describe(`${name}: listing`, () => {
    check("shows what is right below a folder, each once, with its kind", async (storage) => {
      const paths = ["a/x", "a/f/1", "a/f/2", "a/g/h/i", "ab/y", "b"];
      await storage.write(paths.map((path) => ({ path, bytes: bytes("x") })));
      expect(await listed(storage, "a")).toEqual(["folder f", "folder g", "object x"]);
    });

    check("shows all of a large folder", async (storage) => {
      const paths = Array.from({ length: 1000 }, (_, at) => `a/${at}`);
      await storage.write(paths.map((path) => ({ path, bytes: bytes("") })));
      expect(await listed(storage, "a")).toHaveLength(1000);
    });
  });

  test(`${name}: whatever is done, there is what a map would hold`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        await using made = await make();
        const model = new Map<string, string>();
        for (const step of taken) await take(step, made.storage, model);
        expect(await everything(made.storage)).toEqual(Object.fromEntries(model));
      }),
      { numRuns: 30 },
    );
  });
}
