/**
 * What a plan for another registry costs: docker-registry over its API, against nothing but the same
 * requests, and against scripts around other people's clients that ask the same of every tag.
 */
import { join } from "node:path";
import { parseAddress } from "../../src/client/address.ts";
import { openRegistry } from "../../src/client/open-registry.ts";
import { openFactsCache } from "../../src/inventory/api/facts-cache.ts";
import { planPrune } from "../../src/plan/prune-planner.ts";
import { apiTarget } from "../../src/plan/targets/api-target.ts";
import { deciderBy } from "../support/decider.ts";
import { type LargeTree, writeLargeTree } from "../support/large-tree.ts";
import { temporaryFolder } from "../support/folder.ts";
import { names } from "./answers.ts";
import { peerRows } from "./other-registry-peers.ts";
import type { ServerGroup, Side } from "./row.ts";
import { type Program, type Server, dockerRegistry } from "./servers.ts";

const GiB = 2 ** 30;
const CONCURRENCY = 8;
const ACCEPT = "application/vnd.oci.image.manifest.v1+json";

const shape: LargeTree = {
  repositories: Array.from({ length: 100 }, (_, at) => `team${at % 10}/app${at}`),
  tags: 100,
};
const tagCount = shape.repositories.length * shape.tags;

const decider = deciderBy([
  {
    name: "old",
    repositories: ["**"],
    delete: [{ tags: ["*"], clock: "created", olderThan: "30d" }],
    keep: [{ newest: 10, orderBy: "created" }],
  },
]);

/** Both sides ask the same kind of server. */
function asked(theirs: string): () => Readonly<Record<Side, Program>> {
  return () => ({
    ours: { ...dockerRegistry(), name: "wharf-plans" },
    theirs: { ...dockerRegistry(), name: theirs },
  });
}

export const apiPlan: ServerGroup = {
  rounds: 3,
  space: GiB,
  programs: asked("bare-loop"),
  async prepare(data) {
    writeLargeTree(data, shape);
  },
  rows: [
    {
      name: "api-plan",
      title: "plan of 100 x 100 tags on docker-registry, first run (against: the same requests)",
      unit: "s",
      target: { atMost: 1.2 },
      measure: async ({ server, side }) =>
        side === "ours" ? (await plan(server, factsOf(server))).seconds : await bare(server, true),
    },
    {
      name: "api-plan-again",
      title: "the same, second run",
      unit: "s",
      target: { none: true },
      measure: async ({ server, side }) =>
        side === "ours" ? (await plan(server, factsOf(server))).seconds : await bare(server, false),
    },
    {
      name: "api-plan-requests",
      title: "requests a tag in a second run",
      unit: "",
      target: { below: 1.1 },
      async measure({ server, side }) {
        if (side === "theirs") return 1 + shape.repositories.length / tagCount;
        return (await plan(server, factsOf(server))).requests / tagCount;
      },
    },
  ],
};

export const apiPeers: ServerGroup = {
  rounds: 1,
  space: GiB,
  programs: asked("scripts"),
  async prepare(data) {
    writeLargeTree(data, { ...shape, repositories: shape.repositories.slice(0, 10) });
  },
  rows: peerRows(async (server) => {
    await using folder = await temporaryFolder();
    return (await plan(server, folder.at("facts.sqlite"), 1000)).seconds;
  }),
};

/** Of one server: it outlives nothing, and the next has another address. */
function factsOf({ url }: Server): string {
  return join(
    import.meta.dir,
    "..",
    "..",
    ".cache",
    `facts-${new URL(url).port}-${process.pid}.sqlite`,
  );
}

async function plan(
  server: Server,
  file: string,
  expected = tagCount,
): Promise<{ seconds: number; requests: number }> {
  const connection = openRegistry(
    { url: server.url, concurrency: CONCURRENCY },
    { environment: {} },
  );
  let requests = 0;
  const counted: typeof connection = {
    ...connection,
    ask: async (ask) => {
      requests++;
      return await connection.ask(ask);
    },
  };
  const { origin } = parseAddress(server.url);
  const cache = openFactsCache({ file, origin, warn: console.error, now: Date.now });
  const target = apiTarget({
    name: "registry",
    connection: counted,
    cache,
    times: null,
    created: true,
    now: Date.now,
    repositories: null,
    concurrency: CONCURRENCY,
    replaceTags: false,
    warn: console.error,
  });
  const began = performance.now();
  const made = await planPrune({ target, decider, clock: Date.now, concurrency: CONCURRENCY });
  const seconds = (performance.now() - began) / 1000;
  await target.close();
  const { all, deleted } = made.plan.totals.tags;
  if (all !== expected || deleted !== (expected / 100) * 90) {
    throw new Error(`The plan is wrong: ${deleted} of ${all} tags would go.`);
  }
  return { seconds, requests };
}

/** Nothing but the requests, as fast as this runtime sends them; `whole`: with manifests and configs. */
async function bare(server: Server, whole: boolean): Promise<number> {
  const began = performance.now();
  const tags: string[] = [];
  for (const repository of await names(server, "/v2/_catalog?n=1000", "repositories")) {
    const listed = await names(server, `/v2/${repository}/tags/list`, "tags");
    tags.push(...listed.map((tag) => `${repository} ${tag}`));
  }
  const left = tags.values();
  const worker = async (): Promise<void> => {
    for (const one of left) {
      const [repository, tag] = one.split(" ");
      const at = `${server.url}/v2/${repository}`;
      const headers = { accept: ACCEPT };
      const head = await fetch(`${at}/manifests/${tag}`, { method: "HEAD", headers });
      if (!whole) continue;
      const digest = head.headers.get("docker-content-digest");
      const manifest = await fetch(`${at}/manifests/${digest}`, { headers });
      const { config } = (await manifest.json()) as { config: { digest: string } };
      await (await fetch(`${at}/blobs/${config.digest}`)).bytes();
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  if (tags.length !== tagCount) throw new Error(`There are ${tags.length} tags.`);
  return (performance.now() - began) / 1000;
}
