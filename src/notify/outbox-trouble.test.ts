import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../../test/support/eventually.ts";
import { receiver, sentence } from "../../test/support/receiver.ts";
import { blobOf } from "../metadata/contract/fixtures.ts";
import { APP, WHO, endpoint, numbered, world } from "../../test/support/outbox.ts";

setDefaultTimeout(60_000);

describe("pulls", () => {
  test("are told after the changes before them", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to)] });

    await given.push("v1");
    given.pull("v1");

    const [pushed, pulled] = await to.until(2);
    expect(pushed?.action).toBe("push");
    expect(pulled).toMatchObject({
      action: "pull",
      target: { ...pushed?.target, tag: "v1" },
      request: { method: "GET" },
    });
  });

  test("that come too fast are counted and reported, and the first ones told", async () => {
    await using to = receiver(() => new Response(null, { status: 500 }));
    await using given = await world({ endpoints: [endpoint(to)] });
    await given.push("v1");

    for (let n = 0; n < 1500; n++) given.pull("v1");
    const [state] = await given.outbox().states();
    expect(state).toMatchObject({ name: "a", dropped: 500 });
    to.answerWith(() => null);

    expect((await to.until(1001)).filter(({ action }) => action === "pull")).toHaveLength(1000);
    const dropped = await eventually(
      async () => given.lines.filter(({ message }) => message.includes("faster than")),
      (found) => found.length > 0,
      15_000,
    );
    expect(dropped).toMatchObject([{ level: "warn", facts: { pulls: 500 } }]);
  });

  test("of what is gone since are told all the same", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to)] });

    given.pull("gone");

    expect((await to.until(1)).map(sentence)).toEqual(["pull team/app:gone"]);
  });

  test("of what has no name are not told, and hold up nothing", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to)] });

    given.pull("no/../tag");
    given.pull("v1");

    expect((await to.until(1)).map(sentence)).toEqual(["pull team/app:v1"]);
  });

  test("are not even noticed where nobody wants to hear of them", async () => {
    await using to = receiver();
    const ignore = { actions: ["pull"] };
    await using given = await world({ endpoints: [endpoint(to, { ignore })] });

    expect(given.outbox().pulls).toBeNull();
  });
});

describe("what goes wrong", () => {
  test("is said at the first failure and from the threshold on, with the endpoint and no secret", async () => {
    await using to = receiver(() => new Response("CANARY", { status: 500 }));
    const url = to.url.replace("http://", "http://user:CANARY@") + "?token=CANARY";
    const secrets = { url, headers: { "x-key": ["CANARY"] }, secret: "CANARY" };
    await using given = await world({
      endpoints: [endpoint(to, { ...secrets, threshold: 4, backoff: "1ms" })],
    });

    await given.push("v1");
    await eventually(
      async () => to.deliveries.length,
      (count) => count > 6,
    );
    to.answerWith(() => null);
    await to.until(1);
    const said = await eventually(
      async () => given.lines.map(({ message }) => message),
      (messages) => messages.includes("the endpoint takes events again"),
    );

    expect(said).toContain("the endpoint takes events again");
    const failures = given.lines.filter(({ facts }) => facts["failures"] !== undefined);
    const loud = failures
      .filter(({ level }) => level === "warn")
      .map(({ facts }) => facts["failures"]);
    expect(loud.slice(0, 3)).toEqual([1, 4, 5]);
    expect(failures[0]?.facts).toMatchObject({ endpoint: "a", reason: "it answered 500" });
    expect(JSON.stringify(given.lines)).not.toContain("CANARY");
  });

  test("to the end of the limit costs the least important events first, loudly, and the rest still arrives", async () => {
    await using to = receiver(() => new Response(null, { status: 500 }));
    await using given = await world({ limit: 20, endpoints: [endpoint(to)] });
    for (const tag of numbered(15)) {
      await given.metadata().linkBlob(APP, blobOf("layer"), 1, null, WHO);
      await given.push(tag);
    }

    const lost = await eventually(
      async () => given.lines.filter(({ level }) => level === "error"),
      (found) => found.length > 0,
      20_000,
    );
    expect(lost).toMatchObject([{ facts: { events: 12, endpoints: ["a"], limit: 20 } }]);
    to.answerWith(() => null);

    const heard = (await to.until(18)).map(({ target }) => target.tag);
    expect(heard.filter((tag) => tag !== undefined)).toEqual(numbered(15));
    expect(heard).toHaveLength(18);
  });

  test("can be seen from outside", async () => {
    await using to = receiver(() => new Response(null, { status: 500 }));
    await using given = await world({ endpoints: [endpoint(to)] });
    for (const tag of numbered(3)) await given.push(tag);

    const state = await eventually(
      async () => (await given.outbox().states())[0],
      (found) => found?.failing === true,
    );
    expect(state).toMatchObject({ name: "a", pending: 3, delivered: 0, failing: true, dropped: 0 });
    expect(state?.failed).toBeGreaterThan(0);
    to.answerWith(() => null);
    await to.until(3);

    expect(
      await eventually(
        async () => (await given.outbox().states())[0],
        (found) => found?.delivered === 3,
      ),
    ).toMatchObject({ pending: 0, delivered: 3, failing: false });
  });
});
