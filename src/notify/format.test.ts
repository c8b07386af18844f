import { describe, expect, test } from "bun:test";
import type { Happening } from "../metadata/event.ts";
import { parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { envelope, eventId, wireEvent } from "./format.ts";

const DIGEST = parseDigest(`sha256:${"a".repeat(64)}`);
const SETTING = {
  source: { addr: "here:5000", instanceID: "one" },
  baseUrl: ({ scheme, host }: { scheme: string; host: string }) => `${scheme}://${host}`,
};
const PUSH: Happening = {
  action: "push",
  kind: "manifest",
  name: parseName("team/app"),
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  digest: DIGEST,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  size: 7,
  tag: parseTag("v1"),
  from: null,
  by: {
    at: 0,
    requestId: "r",
    actor: "ann",
    address: "10.0.0.1",
    scheme: "https",
    host: "registry.example",
    method: "PUT",
    agent: "docker/27",
  },
};

describe("an event", () => {
  test("of a push says all that is known, in the fields and the order of registry:2", () => {
    expect(JSON.stringify(wireEvent(PUSH, "id", null, SETTING))).toBe(
      JSON.stringify({
        id: "id",
        timestamp: "2026-01-02T03:04:05.006Z",
        action: "push",
        target: {
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          size: 7,
          digest: DIGEST,
          length: 7,
          repository: "team/app",
          url: `https://registry.example/v2/team/app/manifests/${DIGEST}`,
          tag: "v1",
        },
        request: {
          id: "r",
          addr: "10.0.0.1",
          host: "registry.example",
          method: "PUT",
          useragent: "docker/27",
        },
        actor: { name: "ann" },
        source: { addr: "here:5000", instanceID: "one" },
      }),
    );
  });

  test("of a mount says where the blob was, and leads to the blob", () => {
    const mount = { action: "mount", kind: "blob", tag: null, from: parseName("base") } as const;
    const { target } = wireEvent({ ...PUSH, ...mount }, "id", null, SETTING);

    expect(target).toMatchObject({
      fromRepository: "base",
      url: `https://registry.example/v2/team/app/blobs/${DIGEST}`,
    });
    expect(target).not.toHaveProperty("tag");
  });

  test.each([
    ["a manifest", { kind: "manifest", tag: null }, { digest: DIGEST, repository: "team/app" }],
    ["a tag", { kind: "tag", digest: null }, { repository: "team/app", tag: "v1" }],
  ] as const)("of the end of %s says no more than registry:2 does", (_, facts, expected) => {
    const gone = { ...PUSH, action: "delete", mediaType: null, size: null, ...facts } as const;

    expect(wireEvent(gone, "id", null, SETTING).target as object).toEqual(expected);
  });

  test("of a nameless caller has an actor without a name", () => {
    const by = { ...PUSH.by, actor: null };

    expect(wireEvent({ ...PUSH, by }, "id", null, SETTING).actor).toEqual({});
  });

  test("of nothing but an empty blob still says its size", () => {
    expect(wireEvent({ ...PUSH, size: 0 }, "id", null, SETTING).target).toMatchObject({
      size: 0,
      length: 0,
    });
  });

  test("lists what the manifest names, if it names something", () => {
    const named = [{ mediaType: "a/b", size: 1, digest: DIGEST }];

    expect(wireEvent(PUSH, "id", named, SETTING).target.references).toEqual(named);
    expect(wireEvent(PUSH, "id", [], SETTING).target).not.toHaveProperty("references");
  });

  test("travels with others in one envelope", () => {
    const event = wireEvent(PUSH, "id", null, SETTING);

    expect(JSON.parse(envelope([event, event]))).toEqual({ events: [event, event] });
  });
});

describe("the id of an event", () => {
  test("is a UUID that anybody can parse", () => {
    expect(eventId("r", 1)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test("is the same each time, and another one for each event and each request", () => {
    const ids = [eventId("r", 1), eventId("r", 2), eventId("q", 1), eventId("r", 12)];

    expect(eventId("r", 1)).toBe(ids[0] ?? "");
    expect(new Set(ids).size).toBe(ids.length);
  });
});
