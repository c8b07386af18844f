import { describe, expect, test } from "bun:test";
import { timeOf } from "./events.ts";
import { DeliveryError, MOST_EVENTS, readDelivery } from "./read-events.ts";

const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

const digest = `sha256:${"a".repeat(64)}`;
const manifest = "application/vnd.docker.distribution.manifest.v2+json";

/** As registry 2.8.2 sends it. */
function event(action: string, target: object, request: object = {}): object {
  return {
    id: "320678d8-ca14-430f-8bb6-4ca139cd83f7",
    timestamp: "2026-05-01T12:00:00.123456789Z",
    action,
    target: { repository: "team/app", ...target },
    request: {
      id: "6df24a34-0959-4923-81ca-14f09767db19",
      addr: "192.168.64.11:42961",
      host: "registry-server:5000",
      method: "PUT",
      useragent: "docker/24.0.7",
      ...request,
    },
    actor: {},
    source: { addr: "xtal.local:5000", instanceID: "a53db899-3b4b-4a62-a067-8dd013beaca4" },
  };
}

const one = (value: object) => readDelivery(bytes({ events: [value] }));

describe("the envelope of the distribution registry", () => {
  test("tells of pushes and pulls of manifests", () => {
    const url = `http://registry-server:5000/v2/team/app/manifests/${digest}`;
    const target = { mediaType: manifest, digest, tag: "v1", url };
    const request = { method: "GET" };
    expect(one(event("pull", target, request)).events).toEqual([
      {
        action: "pull",
        repository: "team/app" as never,
        tag: "v1" as never,
        digest: digest as never,
        at: Date.parse("2026-05-01T12:00:00.123Z"),
        method: "GET",
        agent: "docker/24.0.7",
        hosts: ["registry-server:5000", "registry-server:5000", "xtal.local:5000"],
      },
    ]);
    expect(one(event("push", target)).events).toMatchObject([{ action: "push", tag: "v1" }]);
  });

  test("tells of deletes, whatever was deleted", () => {
    for (const target of [{ digest }, { tag: "v1" }, { digest, mediaType: "application/x" }, {}]) {
      expect(one(event("delete", target)).events).toMatchObject([{ action: "delete" }]);
    }
  });

  test("says nothing by blobs, mounts and what cannot be understood", () => {
    const blob = { mediaType: "application/octet-stream", digest };
    const byUrl = { digest, url: `http://r/v2/team/app/blobs/${digest}` };
    const passed = [
      event("push", blob),
      event("pull", byUrl),
      event("mount", blob),
      event("push", { repository: "../../etc" }),
      event("push", { repository: 7 }),
      { action: "push" },
      "push",
      null,
    ];
    expect(readDelivery(bytes({ events: passed }))).toEqual({ events: [], passed: passed.length });
  });

  test("may have a tag or a digest that is none: then it has none", () => {
    const target = { mediaType: manifest, tag: "<img onerror>", digest: "sha256:short" };
    expect(one(event("push", target)).events).toMatchObject([{ tag: null, digest: null }]);
  });

  test("may have nothing in it", () => {
    expect(readDelivery(bytes({ events: [] }))).toEqual({ events: [], passed: 0 });
  });
});

describe("what Harbor posts", () => {
  const data = {
    resources: [{ digest, tag: "1.25", resource_url: "harbor.example.com/library/nginx:1.25" }],
    repository: {
      date_created: 1586922308,
      name: "nginx",
      namespace: "library",
      repo_full_name: "library/nginx",
      repo_type: "public",
    },
  };
  const told = (action: string) => ({ action, repository: "library/nginx" });

  test("in its own format", () => {
    const body = { occur_at: 1_586_922_308, operator: "admin", event_data: data };
    expect(readDelivery(bytes({ type: "PUSH_ARTIFACT", ...body })).events).toMatchObject([
      {
        ...told("push"),
        tag: "1.25",
        digest,
        at: 1_586_922_308_000,
        hosts: ["harbor.example.com"],
      },
    ]);
    expect(readDelivery(bytes({ type: "PULL_ARTIFACT", ...body })).events).toMatchObject([
      { ...told("pull"), digest },
    ]);
    expect(readDelivery(bytes({ type: "DELETE_ARTIFACT", ...body })).events).toMatchObject([
      told("delete"),
    ]);
  });

  test("as CloudEvents", () => {
    const body = { specversion: "1.0", id: "1", source: "/projects/2/webhook/policies/15" };
    const cloud = { ...body, time: "2026-05-01T06:04:46Z", data, operator: "robot" };
    expect(readDelivery(bytes({ ...cloud, type: "harbor.artifact.pushed" })).events).toMatchObject([
      { ...told("push"), tag: "1.25", at: Date.parse("2026-05-01T06:04:46Z") },
    ]);
    expect(readDelivery(bytes({ ...cloud, type: "harbor.scan.completed" }))).toEqual({
      events: [],
      passed: 1,
    });
  });

  test("with the digest where the tag would be, as for pulls by digest", () => {
    const resources = [{ digest, tag: digest, resource_url: `h/library/nginx@${digest}` }];
    const body = { type: "PULL_ARTIFACT", occur_at: 1, event_data: { ...data, resources } };
    expect(readDelivery(bytes(body)).events).toMatchObject([{ tag: null, digest }]);
  });
});

describe("a body is refused", () => {
  const refused: readonly (readonly [string, unknown])[] = [
    ["that is no JSON", "action=delete"],
    ["that is empty", ""],
    ["that is no object", "[1]"],
    ["that is null", "null"],
    ["without events", "{}"],
    ["whose events are no list", { events: { action: "delete" } }],
    ["that nests without end", "[".repeat(100_000)],
    ["with a key twice", '{"events":[],"events":[]}'],
    ["with too many events", { events: Array.from({ length: MOST_EVENTS + 1 }, () => 0) }],
    ["whose prototype is set", '{"__proto__":{"events":[]}}'],
  ];
  for (const [what, body] of refused) {
    test(what, () => {
      expect(() => readDelivery(bytes(body))).toThrow(DeliveryError);
    });
  }

  test("that is not UTF-8", () => {
    expect(() => readDelivery(new Uint8Array([0x7b, 0xff, 0x7d]))).toThrow(DeliveryError);
  });
});

test("the time of an event is that of its arrival when it cannot be right", () => {
  const now = Date.parse("2026-05-01T12:00Z");
  expect(timeOf({ at: now - 60_000 }, now)).toBe(now - 60_000);
  expect(timeOf({ at: now + 60_000 }, now)).toBe(now);
  expect(timeOf({ at: now - 1000 * 24 * 3_600_000 }, now)).toBe(now);
  expect(timeOf({ at: null }, now)).toBe(now);
});
