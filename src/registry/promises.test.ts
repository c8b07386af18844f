import { describe, expect, test } from "bun:test";
import type { Seen } from "../metadata/collection.ts";
import { digestOf } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { type Promising, Promises } from "./promises.ts";

const LINK = { kind: "link", name: parseName("app"), digest: digestOf(new Uint8Array()) } as const;
const GRACE = 1000;
const NOW = 1_000_000;

/** A registry at `NOW` that writes down what was seen, or does with it what it is told. */
function promising(
  see: (seen: readonly Seen[]) => Promise<boolean[]> = async (seen) => seen.map(() => true),
  readOnly = false,
) {
  const written: Seen[] = [];
  const registry: Promising = {
    metadata: {
      async see(seen) {
        written.push(...seen);
        return await see(seen);
      },
    },
    rules: { grace: GRACE, readOnly },
    now: () => NOW,
  };
  return { registry, written };
}

describe("a promise that something is here", () => {
  test("costs nothing when it was made within a quarter of the grace", () => {
    const { registry, written } = promising();
    const promises = new Promises();

    expect(promises.renew(LINK, NOW - 249, registry)).toBeUndefined();
    expect(written).toEqual([]);
  });

  test("is written down when it is older, before anybody is told", async () => {
    const { registry, written } = promising();

    expect(await new Promises().renew(LINK, NOW - 250, registry)).toBe(true);
    expect(written).toEqual([{ ...LINK, at: NOW }]);
  });

  test("is written down when it is of a time that lies ahead", async () => {
    const { registry, written } = promising();

    expect(await new Promises().renew(LINK, NOW + 10 * GRACE, registry)).toBe(true);
    expect(written).toHaveLength(1);
  });

  test("cannot be made when the thing has gone meanwhile", async () => {
    const { registry } = promising(async () => [false]);

    expect(await new Promises().renew(LINK, 0, registry)).toBe(false);
  });

  test("is one write for all who ask at the same time", async () => {
    const { registry, written } = promising();
    const promises = new Promises();

    const ask = async (): Promise<unknown> => await promises.renew(LINK, 0, registry);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([true, true, true]);
    expect(written).toHaveLength(1);
    await promises.renew(LINK, 0, registry);
    expect(written).toHaveLength(2);
  });

  test("that cannot be written is made all the same, and holds collections off for 1.25 of the grace", async () => {
    let uptime = 0;
    const promises = new Promises(() => uptime);
    const { registry } = promising(async () => {
      throw new Error("the disk is full");
    });

    expect(promises.holdsOff).toBe(0);
    expect(await promises.renew(LINK, 0, registry)).toBe(true);
    expect(promises.holdsOff).toBe(1250);
    uptime = 1000;
    expect(promises.holdsOff).toBe(250);
    await promises.renew(LINK, 0, registry);
    expect(promises.holdsOff).toBe(1250);
    uptime = 2251;
    expect(promises.holdsOff).toBe(0);
  });

  test("writes nothing in read-only mode, and holds collections off", () => {
    const { registry, written } = promising(undefined, true);
    const promises = new Promises(() => 0);

    expect(promises.renew(LINK, 0, registry)).toBeUndefined();
    expect(written).toEqual([]);
    expect(promises.holdsOff).toBe(1250);
  });
});
