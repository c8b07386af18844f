/**
 * How long it takes to serve the folder of another registry: opened for the first time, and again.
 *
 * A server may answer from the tree while it still reads it, so these are separate figures: the first
 * answer, right manifests and tag lists, and the complete catalog, which needs all of it. The tree was
 * just written or used: its files are in the page cache, in every round and for both servers.
 */
import { digestOfManifest, names } from "./answers.ts";
import type { ServerGroup } from "./row.ts";
import type { Server } from "./servers.ts";
import { type Tree, writeTree } from "./tree.ts";

let tree: Tree | undefined;
const patienceSeconds = 120;

export const firstRead: ServerGroup = {
  space: 2 * 2 ** 30,
  async prepare(data, shared) {
    tree ??= writeTree(shared);
    await tree.moveTo(data);
  },
  rows: [
    {
      name: "tree-open",
      title: "a tree of 111,000 files, never seen: first 200 on /v2/",
      unit: "s",
      target: { below: 5 },
      measure: async ({ server }) => server.readySeconds,
    },
    {
      name: "tree-read",
      title: "the same: its manifests and tag lists are right",
      unit: "s",
      target: { below: 5 },
      measure: ({ server }) => secondsUntil(server, imageFault),
    },
    {
      name: "tree-list",
      title: "the same: its catalog is complete",
      unit: "s",
      target: { below: 5 },
      measure: ({ server }) => secondsUntil(server, catalogFault),
    },
    {
      name: "restart",
      title: "the same, started again: manifests and tag lists right",
      unit: "s",
      target: { below: 0.3 },
      measure: async (run) => secondsUntil(await run.restart(), imageFault),
    },
  ],
};

/** Polls until there is no fault left, and counts from the start of the process. */
async function secondsUntil(
  server: Server,
  faultOf: (server: Server, tree: Tree) => Promise<string | undefined>,
): Promise<number> {
  for (;;) {
    const fault = tree === undefined ? "there is no tree" : await faultOf(server, tree);
    const seconds = (performance.now() - server.spawnedAt) / 1000;
    if (fault === undefined) return seconds;
    if (seconds > patienceSeconds) throw new Error(`After ${patienceSeconds} s ${fault}.`);
    await Bun.sleep(10);
  }
}

async function imageFault(server: Server, { samples }: Tree): Promise<string | undefined> {
  for (const { repository, tags, manifestDigest } of samples) {
    const tag = tags.at(-1) ?? "";
    const digest = await digestOfManifest(server, repository, tag);
    if (digest !== manifestDigest)
      return `${repository}:${tag} is ${digest} instead of ${manifestDigest}`;
    const listed = await names(server, `/v2/${repository}/tags/list`, "tags");
    // registry:2 lists tags in the order of its folder.
    if (!Bun.deepEquals(listed.toSorted(), tags))
      return `${repository} lists the tags ${listed.join(", ")}`;
  }
  return undefined;
}

async function catalogFault(server: Server, { repositories }: Tree): Promise<string | undefined> {
  let found = 0;
  for (let last: unknown = ""; typeof last === "string";) {
    const page = await names(
      server,
      `/v2/_catalog?n=1000&last=${encodeURIComponent(last)}`,
      "repositories",
    );
    found += page.length;
    last = page.at(-1);
  }
  return found === repositories
    ? undefined
    : `the catalog lists ${found} of ${repositories} repositories`;
}
