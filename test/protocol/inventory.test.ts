import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { pullRule } from "../../src/registry/pull-rules.ts";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseName } from "../../src/oci/name.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { tagPath } from "../../src/storage/tree.ts";
import { image, index } from "../support/image.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

let clock = 1_800_000_000_000;
const pulls = pullRule(["containerd/*"], ["trivy/*"]);
const registry = sharedRegistry({ now: () => clock, pulls });

interface Manifest {
  readonly digest: string;
  readonly pushedAt: number;
  readonly pulledAt: number | null;
  readonly createdAt: number | null;
  readonly untaggedAt: number | null;
  readonly subject: string | null;
  readonly children: readonly string[];
  readonly blobs: readonly { readonly digest: string; readonly size: number }[];
}
interface Inventory {
  readonly name: string;
  readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  readonly manifests: readonly Manifest[];
}
interface Line {
  readonly inventory?: Inventory;
  readonly done?: { readonly repositories: number };
}

async function lines(query = "", from = registry): Promise<Line[]> {
  const answer = await from.ask("GET", `/api/v1/inventory${query}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  return answer.text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

async function inventoryOf(name: string, query = "", from = registry): Promise<Inventory> {
  await from.opened.registry.pulls.flush(from.opened.registry.metadata);
  const [first, last] = await lines(`?name=${name}${query}`, from);
  expect(last).toEqual({ done: { repositories: 1 } });
  if (!first?.inventory) throw new Error("there is no inventory");
  return first.inventory;
}

async function pulledAt(name: string, digest: string): Promise<number | null | undefined> {
  const { manifests } = await inventoryOf(name);
  return manifests.find((one) => one.digest === digest)?.pulledAt;
}

describe("the inventory", () => {
  test("has tags, manifests with what they need, and when things happened", async () => {
    const name = freshName();
    const [one, two] = [image({ layers: 2, size: 100 }), image({ layers: 1, size: 50 })];
    const both = index([one, two]);
    clock += 1000;
    const pushed = clock;
    await both.push(registry.url, name, "v1");
    clock += 1000;
    const signature = image({ layers: 0, subject: both.descriptor });
    await signature.push(registry.url, name);

    const { tags, manifests } = await inventoryOf(name);

    expect(tags).toEqual([{ tag: "v1", digest: both.digest, pushedAt: pushed }] as never);
    const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
    expect([...byDigest.keys()].toSorted()).toEqual(
      [one, two, both, signature].map(({ digest }) => digest).toSorted(),
    );
    expect(byDigest.get(both.digest)).toMatchObject({
      pushedAt: pushed,
      pulledAt: null,
      createdAt: null,
      subject: null,
      blobs: [],
    });
    expect(byDigest.get(both.digest)?.children.toSorted()).toEqual(
      [one.digest, two.digest].toSorted(),
    );
    expect(byDigest.get(signature.digest)?.subject).toBe(both.digest);
    const blobs = byDigest.get(one.digest)?.blobs ?? [];
    expect(new Map(blobs.map(({ digest, size }) => [digest, size]))).toEqual(
      new Map(one.blobs.map(({ descriptor, bytes }) => [descriptor.digest, bytes.length])),
    );
  });

  test("is of all repositories in order, or of one; one that is not there is unknown", async () => {
    await using own = await startRegistry();
    for (const name of ["b/two", "a/one", "c"]) await image().push(own.url, name, "v1");

    const all = await lines("", own);
    expect(all.map((line) => line.inventory?.name ?? line.done)).toEqual([
      "a/one",
      "b/two",
      "c",
      { repositories: 3 },
    ]);
    const absent = await own.ask("GET", "/api/v1/inventory?name=nobody");
    expect([absent.status, absent.text]).toEqual([404, expect.stringContaining("NAME_UNKNOWN")]);
    const bad = await own.ask("GET", "/api/v1/inventory?name=A%20b");
    expect(bad.status).toBe(400);
  });

  test("says when images were built only when it is asked, and of an index the latest", async () => {
    const name = freshName();
    const made = (created: unknown) => image({ created });
    const [old, young, silent] = [
      made("2026-01-01T00:00:00Z"),
      made("2026-02-01T00:00:00.5+01:00"),
      made(7),
    ];
    const all = index([old, young, silent]);
    await all.push(registry.url, name, "v1");
    const noted = image({
      artifactType: "application/x-chart",
      annotations: { "org.opencontainers.image.created": "2026-03-01T00:00:00Z" },
    });
    await noted.push(registry.url, name, "chart");

    for (const { createdAt } of (await inventoryOf(name)).manifests) expect(createdAt).toBeNull();
    // Twice: what was read is remembered.
    for (let time = 1; time <= 2; time++) {
      const { manifests } = await inventoryOf(name, "&created=true");
      const created = new Map(manifests.map((one) => [one.digest, one.createdAt]));
      expect(created.get(old.digest)).toBe(Date.parse("2026-01-01T00:00:00Z"));
      expect(created.get(young.digest)).toBe(Date.parse("2026-01-31T23:00:00.5Z"));
      expect(created.get(silent.digest)).toBeNull();
      expect(created.get(all.digest)).toBe(Date.parse("2026-01-31T23:00:00.5Z"));
      expect(created.get(noted.digest)).toBe(Date.parse("2026-03-01T00:00:00Z"));
    }
  });
});

describe("a manifest was pulled", () => {
  const agent = (name: string) => ({ headers: { "user-agent": name } });

  test.each([
    ["GET", "curl/8", true],
    ["HEAD", "curl/8", false],
    ["HEAD", "containerd/2.1", true],
    ["GET", "trivy/0.5", false],
    ["GET", "wharfinger", false],
  ])("by %s of %s: %p", async (method, who, counts) => {
    const name = freshName();
    const one = image();
    await one.push(registry.url, name, "v1");
    clock += 60_000;
    await registry.ask(method, `/v2/${name}/manifests/v1`, agent(who));
    const expected = counts ? clock : null;
    clock += 60_000;
    expect(await pulledAt(name, one.digest)).toBe(expected);
  });

  test("also when the client has it already; and not when it is not there", async () => {
    const name = freshName();
    const one = image();
    await one.push(registry.url, name, "v1");
    const known = { headers: { "user-agent": "docker/27", "if-none-match": `"${one.digest}"` } };
    expect((await registry.ask("GET", `/v2/${name}/manifests/v2`, known)).status).toBe(404);
    expect(await pulledAt(name, one.digest)).toBeNull();
    expect((await registry.ask("GET", `/v2/${name}/manifests/v1`, known)).status).toBe(304);
    expect(await pulledAt(name, one.digest)).toBe(clock);
  });

  test("with its platform: the pull of a child is one of its index, and not the other way round", async () => {
    const name = freshName();
    const [one, two] = [image(), image()];
    const both = index([one, two]);
    await both.push(registry.url, name, "v1");
    await registry.ask("GET", `/v2/${name}/manifests/${one.digest}`, agent("docker/27"));

    expect(await pulledAt(name, one.digest)).toBe(clock);
    expect(await pulledAt(name, both.digest)).toBe(clock);
    expect(await pulledAt(name, two.digest)).toBeNull();
    expect((await inventoryOf(name)).manifests).toHaveLength(3);
  });

  test("or was not, since pulls are recorded; and nobody knows of pulls from another registry meanwhile", async () => {
    const since = async (from: typeof registry): Promise<unknown> => {
      await from.opened.collecting.compared;
      return ((await inventoryOf("app", "", from)) as unknown as Record<string, unknown>)[
        "pullsSince"
      ];
    };
    await using own = await startRegistry({ now: () => clock });
    const began = clock;
    const one = image();
    await one.push(own.url, "app", "v1", "v2");
    expect(await since(own)).toBe(began);
    clock += 60_000;
    await own.restart();
    expect(await since(own)).toBe(began);

    await own.stopServer();
    clock += 60_000;
    const data = own.data;
    await own.opened.collecting.drain();
    await rm(join(data, tagPath(parseName("app"), parseTag("v2"))), { recursive: true });
    await own.restart();
    expect(await since(own)).toBe(clock);
  });

  test("and that survives a stop, and coming back from the trash", async () => {
    await using own = await startRegistry({ now: () => clock });
    const one = image();
    await one.push(own.url, "app", "v1");
    await own.ask("GET", "/v2/app/manifests/v1", agent("docker/27"));
    const at = clock;
    await own.restart();
    clock += 60_000;
    expect((await inventoryOf("app", "", own)).manifests[0]?.pulledAt).toBe(at);

    await own.ask("DELETE", `/v2/app/manifests/${one.digest}`);
    await own.ask("POST", "/api/v1/trash/restore", { body: JSON.stringify({ names: ["app:v1"] }) });
    const back = await inventoryOf("app", "", own);
    expect(back.tags).toMatchObject([{ tag: "v1", digest: one.digest }]);
    expect(back.manifests[0]?.pulledAt).toBe(at);
  });
});
