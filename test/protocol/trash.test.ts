import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectCleanServer } from "../support/clean.ts";
import { image, index } from "../support/image.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";

setDefaultTimeout(60_000);

const registry = sharedRegistry();

interface Removed {
  readonly id: number;
  readonly kind: string;
  readonly repository: string | null;
  readonly tag: string | null;
  readonly digest: string;
  readonly reason: string;
}

interface Page {
  readonly entries: readonly Removed[];
  readonly next: number | null;
  readonly totals: { readonly entries: number; readonly bytes: number };
}

async function listed(query = ""): Promise<Page> {
  const answer = await registry.ask("GET", `/api/v1/trash?${query}`);
  expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
  return JSON.parse(answer.text) as Page;
}

interface Line {
  readonly item?: Readonly<Record<string, unknown>>;
  readonly done?: Readonly<Record<string, unknown>>;
}

const linesOf = (text: string): Line[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);

async function restore(body: unknown): Promise<Line[]> {
  const answer = await registry.ask("POST", "/api/v1/trash/restore", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  return linesOf(answer.text);
}

async function remove(name: string, reference: string): Promise<void> {
  const answer = await registry.ask("DELETE", `/v2/${name}/manifests/${reference}`);
  expect(answer.status).toBe(202);
}

async function digestOf(name: string, tag: string): Promise<string | null> {
  const answer = await registry.ask("HEAD", `/v2/${name}/manifests/${tag}`);
  return answer.status === 200 ? answer.headers.get("docker-content-digest") : null;
}

describe("the list of the trash", () => {
  test("has what clients deleted and moved, the newest first, without bytes of manifests", async () => {
    const name = freshName();
    const [one, two] = [image(), image()];
    await one.push(registry.url, name, "moved", "deleted");
    await two.push(registry.url, name, "moved");
    await remove(name, "deleted");
    await remove(name, two.digest);

    const { entries, next } = await listed(`repository=${name}`);

    expect(entries.map(({ kind, tag, reason }) => [kind, tag, reason])).toEqual([
      ["manifest", null, "deleted"],
      ["tag", "moved", "deleted"],
      ["tag", "deleted", "deleted"],
      ["tag", "moved", `moved to ${two.digest}`],
    ]);
    expect(next).toBeNull();
    expect(entries[0]).not.toContainKey("bytes");
  });

  test("comes in pages, which go on where the last one ended", async () => {
    const name = freshName();
    const one = image();
    await one.push(registry.url, name, "a", "b", "c", "d", "e");
    for (const tag of ["a", "b", "c", "d", "e"]) await remove(name, tag);
    const tags: (string | null)[] = [];
    let before: number | null = null;
    do {
      const from: string = before === null ? "" : `&before=${before}`;
      const page: Page = await listed(`repository=${name}&n=2${from}`);
      tags.push(...page.entries.map(({ tag }) => tag));
      before = page.next;
    } while (before !== null);

    expect(tags).toEqual(["e", "d", "c", "b", "a"]);
    expect((await listed(`repository=${name}&tag=c`)).entries).toHaveLength(1);
    expect((await listed(`repository=${name}&digest=${one.digest}`)).entries).toHaveLength(5);
    expect((await listed(`repository=${name}&kind=manifest`)).entries).toEqual([]);
  });

  test.each(["n=x", "kind=image", "run=-1", "before=1e3", "repository=A", "tag=-", "digest=x"])(
    "refuses %s",
    async (query) => {
      expect((await registry.ask("GET", `/api/v1/trash?${query}`)).status).toBe(400);
    },
  );
});

describe("a restore", () => {
  test("brings a deleted tag back, and says what it did", async () => {
    const name = freshName();
    const one = image();
    await one.push(registry.url, name, "1.0");
    await remove(name, "1.0");
    expect(await digestOf(name, "1.0")).toBeNull();

    const lines = await restore({ names: [`${name}:1.0`] });

    expect(lines).toMatchObject([
      { item: { repository: name, tag: "1.0", digest: one.digest, outcome: "restored" } },
      { done: { restored: 1, kept: 0, failed: 0 } },
    ]);
    expect(await digestOf(name, "1.0")).toBe(one.digest);
  });

  test("brings a moved tag back, and a deleted index with all its tags", async () => {
    const name = freshName();
    const [one, two] = [image(), image()];
    await one.push(registry.url, name, "1.0");
    await two.push(registry.url, name, "1.0");
    const multi = index([image(), image()]);
    await multi.push(registry.url, name, "multi", "latest");
    await remove(name, multi.digest);

    await restore({ names: [`${name}:1.0`, `${name}:multi`, `${name}:latest`] });

    expect(await digestOf(name, "1.0")).toBe(one.digest);
    expect(await digestOf(name, "multi")).toBe(multi.digest);
    expect(await digestOf(name, "latest")).toBe(multi.digest);
  });

  test("changes nothing when it is only to say what it would do", async () => {
    const name = freshName();
    await image().push(registry.url, name, "1.0");
    await remove(name, "1.0");

    const lines = await restore({ names: [name], dryRun: true });

    expect(lines).toMatchObject([{ item: { outcome: "planned" } }, { done: { restored: 1 } }]);
    expect(await digestOf(name, "1.0")).toBeNull();
  });

  test("says of each name what became of it", async () => {
    const name = freshName();
    const [one, two] = [image(), image()];
    await one.push(registry.url, name, "1.0", "here");
    await remove(name, "1.0");
    await two.push(registry.url, name, "1.0");

    const lines = await restore({ names: [`${name}:1.0`, `${name}:here`, `${name}:nowhere`] });

    const told = lines.flatMap(({ item }) => (item ? [[item["tag"], item["outcome"]]] : []));
    expect(Object.fromEntries(told)).toEqual({ "1.0": "kept", here: "here", nowhere: "failed" });
    expect(await digestOf(name, "1.0")).toBe(two.digest);
  });

  test.each([
    ["nothing", "", "the body must be a JSON object"],
    ["no JSON", "{", "the body must be a JSON object"],
    ["no object", "[]", "the body must be a JSON object"],
    ["an unknown key", '{"name":"a"}', "unknown key"],
    ["neither names nor all", "{}", "say what"],
    ["both names and all", '{"names":["a"],"all":true}', "exclude each other"],
    ["names that are none", '{"names":[1]}', "a list of names"],
    ["a name that is none", '{"names":["../a"]}', "grammar"],
    ["a tag that is none", '{"names":["a:-"]}', "is not a tag"],
    ["a run that is none", '{"run":"1"}', "the number of a run"],
    ["a yes that is none", '{"all":"yes"}', "true or false"],
    ["too much", JSON.stringify({ names: ["a".repeat(2_000_000)] }), "more than"],
  ])("refuses a body with %s", async (_, body, reason) => {
    const answer = await registry.ask("POST", "/api/v1/trash/restore", { body });

    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(reason)]);
  });
});

describe("emptying the trash", () => {
  test("frees what is named, and says how much; all of it only when that is said", async () => {
    const [name, other] = [freshName(), freshName()];
    for (const each of [name, other]) {
      await image().push(registry.url, each, "1.0");
      await remove(each, "1.0");
    }

    const refused = await registry.ask("DELETE", "/api/v1/trash");
    const planned = await registry.ask("DELETE", `/api/v1/trash?name=${name}&dryRun=true`);
    expect((await listed(`repository=${name}`)).entries).toHaveLength(1);
    const freed = await registry.ask("DELETE", `/api/v1/trash?name=${name}&name=no/where`);

    expect(refused.status).toBe(400);
    expect(linesOf(planned.text)).toEqual([{ done: { entries: 1, bytes: 0, unknown: [] } }]);
    expect(linesOf(freed.text).at(-1)).toEqual({
      done: { entries: 1, bytes: 0, unknown: ["no/where"] },
    });
    expect((await listed(`repository=${name}`)).entries).toEqual([]);
    expect((await listed(`repository=${other}`)).entries).toHaveLength(1);

    await registry.ask("DELETE", "/api/v1/trash?all=true");
    expect((await listed()).totals).toEqual({ entries: 0, bytes: 0 });
  });
});

describe("after a collection", () => {
  test("an image comes back whole, through the API, and pulls; its bytes can be freed for good", async () => {
    await using own = await startRegistry({ grace: 1, collecting: { untaggedAfter: 0 } });
    const one = image({ layers: 2, size: 50_000 });
    await one.push(own.url, "team/app", "1.0");
    await own.opened.collecting.drain();
    const removeTag = async () => await own.ask("DELETE", "/v2/team/app/manifests/1.0");
    const ask = async (body: object) => {
      const asked = { body: JSON.stringify(body) };
      return linesOf((await own.ask("POST", "/api/v1/trash/restore", asked)).text);
    };
    const layer = `/v2/team/app/blobs/${one.blobs[1]!.descriptor.digest}`;
    await removeTag();
    await Bun.sleep(50);
    expect((await own.collect()).manifests).toBe(1);
    expect((await own.ask("GET", layer)).status).toBe(404);

    const [line] = await ask({ names: ["team/app:1.0"] });

    expect(line).toMatchObject({ item: { outcome: "restored", manifests: 1, blobs: 3 } });
    expect((await own.ask("GET", layer)).bytes).toEqual(one.blobs[1]!.bytes);
    expect((await own.ask("GET", "/v2/team/app/manifests/1.0")).bytes).toEqual(one.bytes);
    await expectCleanServer(own.url);

    await own.opened.collecting.drain();
    await removeTag();
    await Bun.sleep(50);
    await own.collect();
    const freed = linesOf((await own.ask("DELETE", "/api/v1/trash?name=team/app")).text).at(-1);
    const bytes = [one, ...one.blobs].reduce((sum, part) => sum + part.bytes.length, 0);
    expect(freed?.done).toMatchObject({ bytes, unknown: [] });
    const [lost] = await ask({ names: ["team/app:1.0"] });
    expect(lost).toMatchObject({ item: { outcome: "failed", error: "TRASH_UNKNOWN" } });
    await expectCleanServer(own.url);
  });
});
