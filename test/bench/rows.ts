/**
 * What is measured, in one table. The rows of a group run in order on one server in one fresh folder,
 * and a row may build on those before it (what is pulled was pushed).
 */
import { names } from "./answers.ts";
import { audience } from "./audience.ts";
import { password, thousandRules } from "./closed.ts";
import { decideMillion } from "./decide.ts";
import { firstRead } from "./first-read.ts";
import { gcLimit, gcTenTimes, gcTree } from "./garbage.ts";
import { gcOnline, gcOnlineScale } from "./online.ts";
import { apiPeers, apiPlan } from "./other-registry.ts";
import type { Group, ServerGroup } from "./row.ts";
import { type Server, withSettings } from "./servers.ts";
import { watched } from "./watched.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const images: ServerGroup = {
  space: 2 * GiB,
  rows: [
    {
      name: "push",
      title: "push of 1 MiB images, 10 clients",
      unit: "images/s",
      target: { atLeast: 4 },
      measure: async ({ clients, server }) =>
        (await clients.load(server, "push", { c: 10, n: 600, size: MiB })).rate,
    },
    {
      name: "pull",
      title: "pull of 1 MiB images, 10 clients",
      unit: "images/s",
      target: { atLeast: 8 },
      async measure({ clients, server }) {
        const { rate } = await clients.load(server, "pull", { c: 10, n: 2400, images: 600 });
        await clients.load(server, "verify", { c: 10, n: 60 }); // fast and wrong is not fast
        return rate;
      },
    },
    {
      name: "manifest",
      title: "GET of a manifest by tag, 32 connections",
      unit: "requests/s",
      target: { atLeast: 25 },
      measure: ({ clients, server }) => clients.requests(server, "/v2/load/r0/manifests/t0", 32),
    },
  ],
};

/** What is told costs those who push and pull nearly nothing: ours with an endpoint against ours without. */
const told: ServerGroup = {
  space: images.space,
  programs: (ours) => ({
    ours: withSettings(ours, () => ({
      notifications: { endpoints: [{ name: "audience", url: audience() }] },
    })),
    theirs: ours,
  }),
  rows: images.rows.map((row) => ({
    ...row,
    name: `told-${row.name}`,
    title: `${row.title}, with an endpoint (against ours without)`,
    target: { atLeast: 0.95 },
  })),
};

const tagCount = 3000;

const tags: ServerGroup = {
  space: GiB,
  rows: [
    {
      name: "tags",
      title: `push of ${tagCount.toLocaleString("en")} tags into one repository, 1 client`,
      unit: "s",
      target: { atMost: 1 / 4 },
      measure: async ({ clients, server }) =>
        (await clients.load(server, "seed", { c: 1, n: 1, tags: tagCount })).seconds,
    },
    {
      name: "taglist",
      title: `list of ${tagCount.toLocaleString("en")} tags, 4 connections`,
      unit: "requests/s",
      target: { atLeast: 5 },
      async measure({ clients, server }) {
        await expectLength(server, "/v2/load/s0/tags/list", "tags", tagCount);
        return clients.requests(server, "/v2/load/s0/tags/list", 4);
      },
    },
  ],
};

const catalog: ServerGroup = {
  space: GiB,
  rows: [
    {
      name: "catalog",
      title: "catalog of 1,400 repositories, n=1000, 4 connections",
      unit: "requests/s",
      target: { atLeast: 20 },
      async measure({ clients, server }) {
        await clients.load(server, "seed", { c: 10, n: 1400, tags: 1 });
        await expectLength(server, "/v2/_catalog?n=1000", "repositories", 1000);
        return clients.requests(server, "/v2/_catalog?n=1000", 4);
      },
    },
  ],
};

/** Enough for the ticks of 10 ms that the kernel counts CPU time in. */
const bigPulls = 12;

const layer: ServerGroup = {
  space: 2 * GiB,
  rows: [
    {
      name: "layer-push",
      title: "push of a layer of 1 GiB, 1 client",
      unit: "s",
      target: { atMost: 1 / 2 },
      measure: async ({ clients, server }) =>
        (await clients.load(server, "push", { c: 1, n: 1, size: GiB })).seconds,
    },
    {
      name: "layer-pull",
      title: "pull of a layer of 1 GiB, CPU of the server",
      unit: "s",
      target: { atMost: 0.7 },
      measure: async ({ clients, server }) =>
        (await clients.load(server, "pull", { c: 1, n: bigPulls, images: 1 })).cpu / bigPulls,
    },
  ],
};

const memory: ServerGroup = {
  space: 22 * GiB,
  rounds: 1,
  rows: [
    {
      name: "memory",
      title: "20 pushes and 20 pulls of 1 GiB at once, peak memory",
      unit: "MB",
      target: { below: 200 },
      async measure({ clients, server }) {
        await clients.load(server, "push", { c: 1, n: 1, size: GiB });
        const crowd = { c: 20, n: 20, slow: 5, rate: 20 * MiB };
        await Promise.all([
          clients.load(server, "push", { ...crowd, size: GiB, seed: 2, repo: "crowd" }),
          clients.load(server, "pull", { ...crowd, images: 1 }),
        ]);
        return server.peakMemory();
      },
    },
  ],
};

export const groups: readonly Group[] = [
  images,
  told,
  watched(images),
  password,
  thousandRules,
  tags,
  catalog,
  layer,
  memory,
  firstRead,
  gcTree,
  gcLimit,
  gcTenTimes,
  gcOnlineScale,
  gcOnline,
  decideMillion,
  apiPlan,
  apiPeers,
];

/** A list that is short of entries would be quick, and wrong. */
async function expectLength(
  server: Server,
  path: string,
  key: string,
  length: number,
): Promise<void> {
  const listed = await names(server, path, key);
  if (listed.length !== length)
    throw new Error(`${path} lists ${listed.length} ${key} instead of ${length}.`);
}
