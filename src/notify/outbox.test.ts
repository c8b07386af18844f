import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventsOf, receiver, sentence } from "../../test/support/receiver.ts";
import { blobOf, digestFor, pushOf } from "../metadata/contract/fixtures.ts";
import { parseTag } from "../oci/reference.ts";
import { APP, WHO, endpoint, numbered, tags, world } from "../../test/support/outbox.ts";

setDefaultTimeout(60_000);

describe("events reach an endpoint", () => {
  test("in the order of the changes, those that wait together in one delivery", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to, { batch: 10 })] });

    await Promise.all(numbered(50).map((tag) => given.push(tag)));

    expect(await tags(to, 50)).toEqual(numbered(50));
    expect(to.deliveries.length).toBeLessThan(20);
    expect(Math.max(...to.deliveries.map((one) => eventsOf(one).length))).toBeLessThanOrEqual(10);
  });

  test("one by one where that is wanted", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to, { batch: 1 })] });

    await Promise.all(numbered(20).map((tag) => given.push(tag)));

    expect(await tags(to, 20)).toEqual(numbered(20));
    expect(to.deliveries).toHaveLength(20);
  });

  test("at once, when there was nothing before", async () => {
    await using to = receiver();
    await using given = await world({ endpoints: [endpoint(to)] });
    await Bun.sleep(100);

    await given.push("v1");

    expect((await to.until(1))[0]).toMatchObject({
      action: "push",
      target: { repository: "team/app", tag: "v1" },
      actor: { name: "ann" },
      source: { addr: "here:5000", instanceID: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  test("also when it fails for a while, once each, in order, with the ids of the first attempt", async () => {
    await using to = receiver((_, count) =>
      count % 3 === 0 ? null : new Response(null, { status: 500 }),
    );
    await using given = await world({ endpoints: [endpoint(to)] });

    for (const tag of numbered(5)) await given.push(tag);

    expect(await tags(to, 5)).toEqual(numbered(5));
    const tried = to.deliveries.flatMap(eventsOf);
    for (const { id, target } of to.events) {
      const same = tried.filter((event) => event.target.tag === target.tag);
      expect(new Set(same.map((event) => event.id))).toEqual(new Set([id]));
    }
    expect(new Set(to.events.map(({ id }) => id)).size).toBe(5);
  });

  test("after it asked to be left alone for a second, not before", async () => {
    await using to = receiver((_, count) =>
      count > 1 ? null : new Response(null, { status: 503, headers: { "retry-after": "1" } }),
    );
    await using given = await world({ endpoints: [endpoint(to)] });

    await given.push("v1");
    await to.until(1);

    const [first, second] = to.deliveries;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  test("fewer at a time after a failure: a receiver that can not take many gets all the same", async () => {
    await using to = receiver((delivery) =>
      eventsOf(delivery).length > 1 ? new Response(null, { status: 413 }) : null,
    );
    await using given = await world({ endpoints: [endpoint(to, { backoff: "1ms" })] });

    await Promise.all(numbered(6).map((tag) => given.push(tag)));

    expect(await tags(to, 6)).toEqual(numbered(6));
  });

  test("also while another endpoint takes none, and that one gets them later", async () => {
    await using good = receiver();
    await using bad = receiver(() => new Response(null, { status: 500 }));
    const endpoints = [endpoint(good), endpoint(bad, { name: "b" })];
    await using given = await world({ endpoints });

    for (const tag of numbered(3)) await given.push(tag);
    expect(await tags(good, 3)).toEqual(numbered(3));
    expect(bad.events).toEqual([]);
    bad.answerWith(() => null);

    expect(await tags(bad, 3)).toEqual(numbered(3));
    expect(good.events).toHaveLength(3);
  });

  test("unless it ignores them", async () => {
    await using all = receiver();
    await using few = receiver();
    const ignore = { actions: ["delete"], mediaTypes: ["application/octet-stream"] };
    await using given = await world({
      endpoints: [endpoint(all), endpoint(few, { name: "few", ignore })],
    });

    await given.metadata().linkBlob(APP, blobOf("layer"), 1, null, WHO);
    await given.push("v1");
    await given.metadata().removeTag(APP, parseTag("v1"), 2000, WHO);
    await given.push("v2");

    const heard = [
      "push blob team/app",
      "push team/app:v1",
      "delete tag team/app:v1",
      "push team/app:v2",
    ];
    expect((await all.until(4)).map(sentence)).toEqual(heard);
    expect((await few.until(2)).map(sentence)).toEqual(["push team/app:v1", "push team/app:v2"]);
  });

  test("with what their manifests name, when that is wanted", async () => {
    await using to = receiver();
    await using given = await world({ includeReferences: true, endpoints: [endpoint(to)] });
    const { digest, size } = blobOf("layer");
    const named = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size };
    const config = { ...named, mediaType: "application/vnd.oci.image.config.v1+json" };
    const text = JSON.stringify({ schemaVersion: 2, config, layers: [named] });
    const push = { ...pushOf(APP, text, { tags: ["v1"] }), digest: digestFor(text) };

    await given.metadata().putManifest(push, WHO);

    expect((await to.until(1))[0]?.target.references).toEqual([config, named]);
  });
});
