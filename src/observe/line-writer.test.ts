import { describe, expect, test } from "bun:test";
import { LineWriter } from "./line-writer.ts";

const kilobyte = `${"x".repeat(1023)}\n`;

describe("a writer of lines", () => {
  test("writes all of them in their order, in few pieces", async () => {
    const pieces: string[] = [];
    const writer = new LineWriter(async (text) => void pieces.push(text));
    for (let n = 0; n < 1000; n++) writer.add(`${n}\n`);

    await writer.close();

    expect(pieces.join("")).toBe(Array.from({ length: 1000 }, (_, n) => `${n}\n`).join(""));
    expect(pieces.length).toBeLessThan(10);
    expect(writer.dropped).toBe(0);
  });

  test("writes what has gathered a moment later, without being asked", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const writer = new LineWriter(async (text) => resolve(text));

    writer.add("one\n");
    writer.add("two\n");

    expect(await promise).toBe("one\ntwo\n");
  });

  test("writes one piece at a time, and what comes meanwhile after it", async () => {
    const pieces: string[] = [];
    let running = 0;
    const writer = new LineWriter(async (text) => {
      expect(++running).toBe(1);
      await Bun.sleep(5);
      pieces.push(text);
      running--;
    });
    for (let n = 0; n < 200; n++) {
      writer.add(kilobyte);
      if (n % 50 === 0) await Bun.sleep(1);
    }

    await writer.close();

    expect(pieces.join("").length).toBe(200 * kilobyte.length);
    expect(pieces.length).toBeGreaterThan(1);
  });

  test("drops and counts what a reader that stands still does not take, in place of holding it all", async () => {
    const stuck = Promise.withResolvers<void>();
    let taken = 0;
    const writer = new LineWriter(async (text) => {
      taken += text.length / kilobyte.length;
      await stuck.promise;
    });
    for (let n = 0; n < 20_000; n++) writer.add(kilobyte);
    const { dropped } = writer;
    stuck.resolve();
    await writer.close();

    expect(dropped).toBeGreaterThan(10_000);
    expect(taken + dropped).toBe(20_000);
  });

  test("outlives a reader that has gone", async () => {
    const writer = new LineWriter(() => Promise.reject(new Error("EPIPE")));
    writer.add("one\n");
    await writer.close();
    writer.add("two\n");
    await writer.close();

    expect(writer.dropped).toBe(2);
  });
});
