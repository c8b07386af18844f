import { expect, test } from "bun:test";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "../../src/oci/digest.ts";
import { blobPath } from "../../src/storage/tree.ts";
import { image } from "../support/image.ts";
import { freshName, sharedRegistry, startRegistry } from "./support/registry.ts";
import { followed } from "./support/stored.ts";

const registry = sharedRegistry();
const PATH = "/api/v1/check/repair";

const lines = (text: string): Record<string, Record<string, unknown>>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);

for (const [what, body] of [
  ["an unknown key", '{"dry":true}'],
  ["a text where yes or no is asked", '{"dryRun":"yes"}'],
  ["a source without an address", '{"from":{}}'],
  ["a source that is a text", '{"from":"x.example"}'],
  ["a source with an unknown key", '{"from":{"url":"x.example","user":"a"}}'],
  ["a source whose address is none", '{"from":{"url":"https://a:b@x.example"}}'],
  ["a list", "[]"],
  ["no JSON", "{"],
  ["a key that stands twice", '{"dryRun":true,"dryRun":false}'],
] as const) {
  test(`a repair with ${what} is refused, and nothing is begun`, async () => {
    const { status, text } = await registry.ask("POST", PATH, { body });

    expect(status).toBe(400);
    expect(text).not.toContain("a:b");
  });
}

test("a body that is too large is refused", async () => {
  const body = JSON.stringify({ from: { url: "x".repeat(70_000) } });
  expect((await registry.ask("POST", PATH, { body })).status).toBe(400);
});

test("a plan says what would be done and changes nothing; a repair does it and says so", async () => {
  const name = freshName();
  const one = image({ size: 30_000 });
  await one.push(registry.url, name, "1");
  await followed(registry.data);
  const manifest = join(registry.data, blobPath(parseDigest(one.digest)));
  await rm(manifest);

  const plan = lines((await registry.ask("POST", PATH, { body: '{"dryRun":true}' })).text);
  expect(plan.filter((line) => "step" in line)).toMatchObject([
    { step: { result: "planned", digest: one.digest, says: "its bytes come from the metadata" } },
  ]);
  expect(await Bun.file(manifest).exists()).toBe(false);

  const done = lines((await registry.ask("POST", PATH)).text);
  expect(done.at(-1)).toMatchObject({ done: { found: 1, steps: 1, failed: 0, left: 0 } });
  expect(await Bun.file(manifest).bytes()).toEqual(one.bytes);
});

test("one check or repair goes on at a time", async () => {
  const answers = await Promise.all(
    [1, 2, 3].map(async () => await fetch(registry.url + PATH, { method: "POST" })),
  );
  const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
  await Promise.all(answers.map(async (answer) => await answer.text()));

  expect(statuses).toEqual([200, 503, 503]);
  expect((await registry.ask("POST", PATH)).status).toBe(200);
});

test("a layer that was cut off is served again once it was repaired from a source", async () => {
  await using source = await startRegistry();
  const name = freshName();
  const one = image({ size: 30_000 });
  await one.push(registry.url, name, "1");
  await one.push(source.url, name, "1");
  const { digest } = one.blobs[1]!.descriptor;
  await writeFile(join(registry.data, blobPath(parseDigest(digest))), "cut");
  expect((await registry.ask("GET", `/v2/${name}/blobs/${digest}`)).status).toBe(500);

  const body = JSON.stringify({ from: { url: source.url } });
  const { text } = await registry.ask("POST", PATH, { body });

  expect(lines(text).at(-1)).toMatchObject({ done: { left: 0 } });
  const answer = await fetch(`${registry.url}/v2/${name}/blobs/${digest}`);
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(one.blobs[1]!.bytes);
});

test("the count of bytes tells of what it was asked for, and refuses what is no name", async () => {
  const name = freshName("du");
  const one = image({ size: 30_000 });
  await one.push(registry.url, name, "1");

  const { text } = await registry.ask("GET", `/api/v1/du?repository=${name}`);
  const told = lines(text);

  expect(told.filter((line) => "repository" in line)).toMatchObject([{ repository: { name } }]);
  const bytes = one.blobs.reduce((sum, { bytes: of }) => sum + of.length, one.bytes.length);
  expect(told.filter((line) => "entry" in line)).toMatchObject([
    { entry: { repository: name, kind: "tag", tag: "1", total: bytes, unique: bytes } },
  ]);
  expect(told.at(-1)).toHaveProperty("done");
  expect((await registry.ask("GET", "/api/v1/du?repository=A")).status).toBe(400);
});
