import { describe, expect, test } from "bun:test";
import { failureOf } from "../../../test/support/failure.ts";
import { virtualTime } from "../../../test/support/virtual-time.ts";
import { RegistryError } from "../../oci/errors.ts";
import { Deadline } from "./deadline.ts";
import { REAL_TIME, limited } from "./limits.ts";
import { Reply } from "./reply.ts";
import type { Outgoing, Transport } from "./transport.ts";

const url = new URL("http://registry/");
const get: Outgoing = { method: "GET", url };

/** Counts who is there at the same time; answers with a body that nobody has read yet. */
function counted() {
  let there = 0;
  const seen = { most: 0, asked: 0 };
  const send: Transport = async ({ method }) => {
    seen.asked++;
    seen.most = Math.max(seen.most, ++there);
    await Promise.resolve();
    const deadline = new Deadline(1000, null);
    deadline.whenOver(() => there--);
    return new Reply(new Response("body"), deadline, method, url);
  };
  return { send, seen };
}

describe("requests at once", () => {
  test.each([1, 3, 8])("are never more than %d, and all are answered", async (concurrency) => {
    const { send, seen } = counted();
    const limit = limited(send, { concurrency, rate: null }, REAL_TIME);

    const bodies = await Promise.all(
      Array.from({ length: 50 }, async () => await (await limit.send(get)).read(100)),
    );

    expect(bodies).toHaveLength(50);
    expect(seen.most).toBe(concurrency);
  });

  test("keep their place until the body was read or discarded, and not a moment longer", async () => {
    const { send, seen } = counted();
    const limit = limited(send, { concurrency: 1, rate: null }, REAL_TIME);

    const first = await limit.send(get);
    const second = limit.send(get);
    await Bun.sleep(5);
    expect(seen.asked).toBe(1);
    await first.discard();
    const reply = await second;
    const third = limit.send(get);
    await reply.read(100);
    await (await third).discard();

    expect(seen.asked).toBe(3);
  });

  test("whose answers are streams let others in meanwhile", async () => {
    const { send, seen } = counted();
    const limit = limited(send, { concurrency: 1, rate: null }, REAL_TIME);

    const stream = await limit.send({ ...get, endless: true });
    await (await limit.send(get)).read(100);
    await stream.discard();

    expect(seen.asked).toBe(2);
  });

  test("that fail give their place back, and so do those whose body never ends", async () => {
    let asked = 0;
    const send: Transport = async () => {
      if (asked++ === 0) throw new RegistryError("REMOTE");
      const response = new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
      return new Reply(response, new Deadline(50, null), "GET", url);
    };
    const limit = limited(send, { concurrency: 1, rate: null }, REAL_TIME);

    await failureOf(limit.send(get));
    await limit.send(get);
    await limit.send(get);

    expect(asked).toBe(3);
  });
});

describe("a rate", () => {
  test("spreads requests evenly, however many come together", async () => {
    const { send } = counted();
    const time = virtualTime();
    const limit = limited(send, { concurrency: 100, rate: 10 }, time);

    await Promise.all(
      Array.from({ length: 21 }, async () => await (await limit.send(get)).discard()),
    );

    // The first at once, the last after two seconds.
    expect(Math.max(...time.slept)).toBe(2000);
    expect(time.slept.length).toBe(20);
  });
});

test("a pause holds everybody back, and the longest one counts", async () => {
  const { send, seen } = counted();
  const time = virtualTime();
  const limit = limited(send, { concurrency: 8, rate: null }, time);
  limit.pause(5000);
  limit.pause(1000);

  await Promise.all([limit.send(get), limit.send(get)]);

  expect(time.now()).toBe(5000);
  expect(seen.asked).toBe(2);
});
