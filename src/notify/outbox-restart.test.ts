import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../../test/support/eventually.ts";
import { receiver } from "../../test/support/receiver.ts";
import { pushOf } from "../metadata/contract/fixtures.ts";
import { APP, WHO, endpoint, numbered, tags, world } from "../../test/support/outbox.ts";

setDefaultTimeout(60_000);

describe("a restart", () => {
  test("loses no event: those that could not be delivered are delivered then", async () => {
    await using to = receiver(() => new Response(null, { status: 500 }));
    await using given = await world({ endpoints: [endpoint(to)] });
    for (const tag of numbered(5)) await given.push(tag);
    await eventually(
      async () => to.deliveries.length,
      (count) => count > 0,
    );

    await given.restart();
    to.answerWith(() => null);

    expect(await tags(to, 5)).toEqual(numbered(5));
  });

  test("repeats nothing that was delivered before a regular stop", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to)] });
    for (const tag of numbered(3)) await given.push(tag);
    await to.until(3);

    await given.restart();
    await given.push("last");

    expect(await tags(to, 4)).toEqual([...numbered(3), "last"]);
  });

  test("with an endpoint that is new tells it nothing old; one that is gone is forgotten, and begins anew", async () => {
    await using to = receiver();
    await using other = receiver(() => new Response(null, { status: 500 }));
    await using given = await world({ endpoints: [endpoint(other)] });
    await given.push("v1");

    await given.restart({ endpoints: [endpoint(to, { name: "b" })] });
    await given.push("v2");
    expect(await tags(to, 1)).toEqual(["v2"]);
    await given.restart({ endpoints: [endpoint(to)] });
    await given.push("v3");

    expect(await tags(to, 2)).toEqual(["v2", "v3"]);
  });

  test("with an endpoint that is switched off leaves no row behind", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to, { disabled: true })] });

    await given.push("v1");

    expect(given.outbox().pulls).toBeNull();
    expect(await given.metadata().newestEvent()).toBe(0);
    expect(await given.metadata().listCursors()).toEqual([]);
  });

  test("with another address for the same name goes on there", async () => {
    await using old = receiver(() => new Response(null, { status: 500 }));
    await using next = receiver();
    await using given = await world({ endpoints: [endpoint(old)] });
    await given.push("v1");

    await given.restart({ endpoints: [endpoint(next)] });

    expect(await tags(next, 1)).toEqual(["v1"]);
  });

  test("overlooks no change that was under way when others began to listen", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to)] });
    await Bun.sleep(100);

    // It goes past the outbox, as a change does that was begun before there was this one.
    await given.tables().putManifest(pushOf(APP, "manifest", { tags: ["v1"] }), WHO);

    expect(await tags(to, 1)).toEqual(["v1"]);
  });

  test("does not wait for a receiver that hangs", async () => {
    await using to = receiver(async () => {
      await Bun.sleep(30_000);
      return new Response();
    });
    await using given = await world({ endpoints: [endpoint(to, { timeout: "1h" })] });
    await given.push("v1");
    await eventually(
      async () => to.deliveries.length,
      (count) => count > 0,
    );
    const began = performance.now();

    await given.restart();

    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
