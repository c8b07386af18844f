import { describe, expect, test } from "bun:test";
import type { PullTime } from "../metadata/retention-records.ts";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { PullTimes } from "./pull-times.ts";

const APP = parseName("team/app");
const OTHER = parseName("team/other");
const ONE = digestOf(new Uint8Array([1]));
const TWO = digestOf(new Uint8Array([2]));
const yes = (): boolean => true;

/** Metadata that remember what was written, or fail as often as they are told. */
function book(failures = 0) {
  const writes: PullTime[][] = [];
  let left = failures;
  const metadata = {
    async recordPulls(pulls: readonly PullTime[]) {
      if (left-- > 0) throw new Error("the disk is full");
      writes.push([...pulls]);
    },
  };
  return { metadata, writes };
}

describe("pulls", () => {
  test("are one write for all that came, and one for each manifest", async () => {
    const { metadata, writes } = book();
    const pulls = new PullTimes();
    for (const at of [10, 20, 30]) pulls.note(APP, ONE, () => at, yes);
    pulls.note(APP, TWO, () => 40, yes);
    pulls.note(OTHER, ONE, () => 50, yes);

    await pulls.flush(metadata);
    expect(writes).toEqual([
      [
        { name: APP, digest: ONE, at: 10 },
        { name: APP, digest: TWO, at: 40 },
        { name: OTHER, digest: ONE, at: 50 },
      ],
    ]);
    await pulls.flush(metadata);
    expect(writes).toHaveLength(1);

    pulls.note(APP, ONE, () => 60, yes);
    await pulls.flush(metadata);
    expect(writes[1]).toEqual([{ name: APP, digest: ONE, at: 60 }]);
  });

  test("that do not count are asked about each time, and those that do only once", () => {
    const pulls = new PullTimes();
    let asked = 0;
    const say = (counts: boolean) => () => {
      asked++;
      return counts;
    };
    pulls.note(APP, ONE, () => 1, say(false));
    pulls.note(APP, ONE, () => 2, say(true));
    pulls.note(APP, ONE, () => 3, say(true));
    expect(asked).toBe(2);
  });

  test("wait for the next time when they cannot be written", async () => {
    const { metadata, writes } = book(1);
    const pulls = new PullTimes();
    pulls.note(APP, ONE, () => 10, yes);

    expect(await pulls.flush(metadata).catch(String)).toBe("Error: the disk is full");
    pulls.note(APP, TWO, () => 20, yes);
    await pulls.flush(metadata);
    expect(writes).toEqual([
      [
        { name: APP, digest: ONE, at: 10 },
        { name: APP, digest: TWO, at: 20 },
      ],
    ]);
  });

  test("are not written while the registry is read-only, and afterwards are", async () => {
    const { metadata, writes } = book();
    const pulls = new PullTimes();
    pulls.hold(true);
    pulls.note(APP, ONE, () => 10, yes);
    await pulls.close(metadata);
    expect(writes).toEqual([]);

    pulls.hold(false);
    await pulls.flush(metadata);
    expect(writes).toHaveLength(1);
  });

  test("beyond what may wait are dropped, and counted", async () => {
    const { metadata, writes } = book();
    const pulls = new PullTimes(1);
    pulls.note(APP, ONE, () => 10, yes);
    pulls.note(APP, TWO, () => 10, yes);
    expect(pulls.dropped).toBe(1);

    await pulls.flush(metadata);
    pulls.note(APP, TWO, () => 20, yes);
    await pulls.flush(metadata);
    expect(writes.flat()).toHaveLength(2);
  });

  test("are written by themselves, and at the end", async () => {
    const { metadata, writes } = book();
    const pulls = new PullTimes(10, 1);
    pulls.start(metadata, () => undefined);
    pulls.note(APP, ONE, () => 10, yes);
    while (writes.length === 0) await Bun.sleep(1);
    pulls.note(APP, TWO, () => 20, yes);
    await pulls.close(metadata);
    expect(writes.flat().map(({ digest }) => digest)).toEqual([ONE, TWO]);
  });
});
