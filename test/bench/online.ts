/**
 * Collecting in a registry that goes on: what it costs by the size of the registry, and what clients
 * notice of it. The registries are trees of registry:2 that are taken over, and whose owner says yes.
 */
import { names } from "./answers.ts";
import { type GarbageShape, writeGarbageTree } from "./garbage-tree.ts";
import type { Run, Row, ServerGroup, Side } from "./row.ts";
import { type Program, type Server, withSettings } from "./servers.ts";

const GiB = 2 ** 30;

/** Nothing is young. The trash is not purged however full the disk is that this runs on. */
function collecting(ours: Program, name: string, gc: object = {}): Program {
  const settings = {
    gc: { grace: "1s", untaggedAfter: "1s", ...gc },
    trash: { freeSpace: 0 },
  };
  return { ...withSettings(ours, () => settings), name };
}

const dead = 1000;
const sizes: Readonly<Record<Side, number>> = { ours: 100_000, theirs: 10_000 };
const spread = 200;

/** Both have as many repositories, and the same garbage in each. */
function sized(manifests: number): GarbageShape {
  const untagged = dead / spread;
  return { repositories: spread, tagged: manifests / spread - untagged, untagged, ownLayers: 0 };
}

export const gcOnlineScale: ServerGroup = {
  rounds: 1,
  space: 7 * GiB,
  programs: (ours) => ({
    // As fast as it can: what the default pace leaves out is not what is asked for here.
    ours: collecting(ours, "wharf-100000", { pace: 1_000_000 }),
    theirs: collecting(ours, "wharf-10000", { pace: 1_000_000 }),
  }),
  async prepare(data, _shared, side) {
    writeGarbageTree(data, sized(sizes[side]));
  },
  rows: [
    {
      name: "gc-online-scale",
      title: "1,000 dead manifests, collected among 100,000 (against: among 10,000)",
      unit: "s",
      target: { atMost: 1.3 },
      async measure({ server }) {
        await begin(server);
        const { manifests, seconds } = await end(server);
        if (manifests !== dead) throw new Error(`${manifests} manifests were collected`);
        return seconds;
      },
    },
  ],
};

const busy: GarbageShape = { repositories: 400, tagged: 5, untagged: 50 };
const deadBlobs = busy.repositories * busy.untagged * 5;
const seconds = 20;

export const gcOnline: ServerGroup = {
  space: 5 * GiB,
  programs: (ours) => ({
    ours: collecting(ours, "wharf-collects"),
    theirs: collecting(ours, "wharf-rests"),
  }),
  async prepare(data) {
    writeGarbageTree(data, busy);
  },
  rows: [
    during("queue", {
      name: "gc-online-push",
      title:
        "100 kB images, 10 clients, while 100,000 blobs are collected: p99 (against: nothing is)",
      measure: push,
    }),
    during("queue", {
      name: "gc-online-catalog",
      title: "the same: catalog of 400 repositories, p99",
      measure: (run) => list(run, "/v2/_catalog?n=1000", "repositories", busy.repositories),
    }),
    during("queue", {
      name: "gc-online-tags",
      title: "the same: list of tags, p99",
      measure: (run) => list(run, "/v2/team0/app0/tags/list", "tags", busy.tagged),
    }),
    during("bytes", {
      name: "gc-online-push-bytes",
      title: "the same: images, while the bytes go, p99",
      measure: push,
      async after({ server }) {
        const { blobs } = await end(server);
        if (blobs < deadBlobs) throw new Error(`${blobs} blobs were collected`);
      },
    }),
  ],
};

type Phase = "queue" | "bytes";

async function push({ clients, server }: Run): Promise<number> {
  // Other bytes and other tags each time, so that nothing is there already.
  const seed = Math.round(performance.now());
  const flags = { c: 10, seconds, size: 100_000, seed, repo: `load${seed}` };
  return (await clients.load(server, "push", flags)).p99;
}

async function list(
  { clients, server }: Run,
  path: string,
  key: string,
  atLeast: number,
): Promise<number> {
  const listed = await names(server, path, key);
  if (listed.length < atLeast) throw new Error(`${path} lists ${listed.length} ${key}`);
  return (await clients.load(server, "get", { c: 4, seconds: 5, path })).p99;
}

/** What is measured in ms while our collection is in a phase, and on the other side while nothing is collected. */
function during(
  phase: Phase,
  row: Pick<Row, "name" | "title" | "measure"> & { after?(run: Run): Promise<void> },
): Row {
  return {
    ...row,
    unit: "ms",
    target: { atMost: 1.5 },
    async measure(run) {
      if (run.side === "theirs") return row.measure(run);
      await reach(phase, run.server);
      const figure = await row.measure(run);
      const { run: goesOn } = await status(run.server);
      if (goesOn?.phase !== phase)
        throw new Error("The collection was over before the measurement.");
      await row.after?.(run);
      return figure;
    },
  };
}

interface Status {
  readonly state: string;
  readonly obstacle: { readonly reason: string } | null;
  readonly run: { readonly phase: string } | null;
  readonly runs: readonly Past[];
}

interface Past {
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly manifests: number;
  readonly blobs: number;
}

const patienceSeconds = 600;

/** The owner says yes as soon as the tree was read; then the collection goes on. */
async function begin(server: Server): Promise<void> {
  await until(server, ({ obstacle }) => obstacle === null);
  const answer = await fetch(`${server.url}/api/v1/gc`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ consent: true, walk: false }),
  });
  if (answer.status !== 202)
    throw new Error(`POST /api/v1/gc: ${answer.status} ${await answer.text()}`);
}

/** Begins the collection unless it goes on already, and waits until it has come so far. */
async function reach(phase: Phase, server: Server): Promise<void> {
  const { state, runs } = await status(server);
  if (state === "idle" && runs.length === 0) await begin(server);
  await until(server, ({ run }) => run?.phase === phase);
}

/** Waits for the end of the collection; what it has done, and how long that took. */
async function end(server: Server): Promise<Past & { readonly seconds: number }> {
  const { runs } = await until(
    server,
    ({ state, runs: past }) => state === "idle" && past.length > 0,
  );
  const past = runs.find(({ manifests, blobs }) => manifests + blobs > 0) ?? runs[0];
  if (past?.endedAt == null || past.outcome !== "done")
    throw new Error(`The collection has not come to its end: ${JSON.stringify(past)}`);
  return { ...past, seconds: (past.endedAt - past.startedAt) / 1000 };
}

async function until(server: Server, isSo: (now: Status) => boolean): Promise<Status> {
  for (const began = performance.now(); ;) {
    const now = await status(server);
    if (isSo(now)) return now;
    if (performance.now() - began > patienceSeconds * 1000)
      throw new Error(`The collection does not get on: ${JSON.stringify(now).slice(0, 500)}`);
    await Bun.sleep(200);
  }
}

async function status(server: Server): Promise<Status> {
  const answer = await fetch(`${server.url}/api/v1/gc`, { signal: AbortSignal.timeout(60_000) });
  if (!answer.ok) throw new Error(`GET /api/v1/gc: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Status;
}
