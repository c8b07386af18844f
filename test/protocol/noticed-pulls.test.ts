import { beforeEach, describe, expect, test } from "bun:test";
import { ANYBODY } from "../../src/auth/caller.ts";
import { pullObserver } from "../../src/http/pulls.ts";
import { type Pull, happeningOf } from "../../src/notify/pulls.ts";
import { image } from "../support/image.ts";
import { unknownDigest } from "./support/content.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const noticed: Pull[] = [];
const observer = pullObserver({ offer: (make) => noticed.push(make()) }, () => 5000);
const registry = sharedRegistry({
  observers: [observer],
  gate: { identify: () => ({ ...ANYBODY, name: "ann" }), challenge: () => null },
});

const one = image({ layers: 1, size: 50 });
const name = freshName();
const [blob] = one.blobs;
const layer = blob?.descriptor.digest ?? "";
const accept = { accept: one.mediaType };

beforeEach(async () => {
  await one.push(registry.url, name, "v1");
  noticed.length = 0;
});

async function ask(method: string, path: string, headers: object = {}): Promise<number> {
  const asked = { headers: { ...accept, ...headers, "user-agent": "me" } };
  return (await registry.ask(method, `/v2/${name}/${path}`, asked)).status;
}

const manifest = { digest: one.digest, mediaType: one.mediaType, size: one.bytes.length };
const ofLayer = {
  digest: layer,
  mediaType: "application/octet-stream",
  size: blob?.bytes.length ?? 0,
  tag: null,
};

describe("a pull is", () => {
  test.each([
    ["GET", "manifests/v1", {}, { ...manifest, tag: "v1" }],
    ["HEAD", "manifests/v1", {}, { ...manifest, tag: "v1" }],
    ["GET", `manifests/${one.digest}`, {}, { ...manifest, tag: null }],
    ["GET", `manifests/${one.digest.replace(":", "%3A")}`, {}, { ...manifest, tag: null }],
    ["GET", `blobs/${layer}`, {}, ofLayer],
    ["HEAD", `blobs/${layer}`, {}, ofLayer],
    ["GET", `blobs/${layer}`, { range: "bytes=3-5" }, ofLayer],
  ])("%s of %s with %j", async (method, path, headers, expected) => {
    expect(await ask(method, path, headers)).toBeLessThan(300);

    expect(noticed.map(happeningOf)).toMatchObject([
      {
        ...expected,
        action: "pull",
        name,
        at: 5000,
        by: { actor: "ann", address: "127.0.0.1", method, agent: "me" },
      },
    ]);
  });
});

describe("no pull is", () => {
  test.each([
    ["GET", "manifests/v1", { "if-none-match": `"${one.digest}"` }, 304],
    ["GET", `blobs/${layer}`, { "if-none-match": `"${layer}"` }, 304],
    ["GET", `blobs/${layer}`, { range: "bytes=1000000-" }, 416],
    ["GET", "manifests/gone", {}, 404],
    ["HEAD", `blobs/${unknownDigest}`, {}, 404],
    ["GET", "manifests/%00", {}, 400],
    ["GET", "tags/list", {}, 200],
    ["GET", `referrers/${one.digest}`, {}, 200],
    ["DELETE", "manifests/gone", {}, 404],
  ])("%s of %s with %j", async (method, path, headers, status) => {
    expect(await ask(method, path, headers)).toBe(status);

    expect(noticed).toEqual([]);
  });
});
