/**
 * Decides a million tags, in the repositories that are asked for, and prints what it took:
 *
 *   bun test/bench/decide-million.ts REPOSITORIES
 *
 * Inventories are made one after the other, as they are read; only deciding is timed, in
 * seconds of CPU: it waits for nothing, and so whatever else the machine does is left out.
 */
import type {
  RetentionBlob,
  RetentionInventory,
  RetentionManifest,
  RetentionTag,
} from "../../src/inventory/retention-inventory.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { OCI_IMAGE } from "../../src/oci/media-types.ts";
import type { RepositoryName } from "../../src/oci/name.ts";
import type { Tag } from "../../src/oci/reference.ts";
import { compilePolicy } from "../../src/retention/compile.ts";
import { decideRetention, NOTHING_IN_USE } from "../../src/retention/decide.ts";
import type { RetentionPolicy } from "../../src/retention/policy.ts";

const TAGS = 1_000_000;
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);

/** Patterns, versions in groups, times and orders: nothing that policies are made of is left out. */
const policy: RetentionPolicy = {
  name: "bench",
  repositories: ["**"],
  delete: [
    { tags: ["pr-*", "/^dev-/"], olderThan: 14 * DAY, clock: "pushed" },
    { tags: ["*"], olderThan: 90 * DAY, clock: "created" },
    { untagged: true, olderThan: 7 * DAY, clock: "pushed" },
  ],
  keep: [
    { tags: ["latest", "prod-*"], of: "selected" },
    { semver: ">=1.0.0", newest: 3, groupBy: "minor", of: "selected" },
    { newest: 10, orderBy: "semver", of: "selected" },
    { newest: 5, groupBy: "^(?<branch>.+)-[0-9a-f]{7}$", of: "selected" },
    { pulledWithin: 30 * DAY, of: "selected" },
  ],
  limits: { emptyRepositories: false },
};

const hex = Buffer.alloc(71, "0");
hex.write("sha256:");

/** Flat strings, as a parser makes them: pieces put together would take twice the memory. */
function digestOf(n: number): Digest {
  const text = n.toString(16);
  hex.fill("0", 7);
  hex.write(text, 71 - text.length);
  return hex.toString("latin1") as Digest;
}

function tagName(n: number): Tag {
  return flat(nameOf(n)) as Tag;
}

/** As `digestOf`: what is made of pieces is put together when it is read first, and that would be while deciding. */
function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

function nameOf(n: number): string {
  const spread = (n * 2_654_435_761) % 4_294_967_296;
  switch (n % 4) {
    case 0:
      return `v${spread % 50}.${spread % 1000}.${n}`;
    case 1:
      return `pr-${n}`;
    case 2:
      return `feature-${spread % 500}-${spread.toString(16).padStart(8, "0").slice(1)}.${n}`;
    default:
      return `branch-${spread % 500}-${n.toString(16).padStart(7, "0")}`;
  }
}

/** One object for each, as the readers of inventories have them. */
const NO_CHILDREN: readonly Digest[] = [];

function inventoryOf(repository: number, size: number): RetentionInventory {
  const tags: RetentionTag[] = [];
  const manifests: RetentionManifest[] = [];
  let layer: RetentionBlob | undefined;
  for (let i = 0; i < size; i++) {
    const n = repository * size + i;
    if (layer === undefined || n % 8 === 0) {
      layer = { digest: digestOf(2 ** 41 + (n >> 3)), size: 10_000_000 };
    }
    const digest = digestOf(n);
    const pushedAt = NOW - ((n * 7919) % 400) * DAY;
    tags.push({ tag: tagName(n), digest, pushedAt });
    manifests.push({
      digest,
      mediaType: OCI_IMAGE,
      size: 1200,
      pushedAt,
      createdAt: n % 10 === 0 ? 0 : pushedAt,
      pulledAt: n % 3 === 0 ? NOW - ((n * 31) % 200) * DAY : null,
      untaggedAt: null,
      subject: null,
      artifactType: null,
      children: NO_CHILDREN,
      blobs: [{ digest: digestOf(2 ** 40 + n), size: 2000 }, layer],
    });
  }
  return {
    name: `bench/r${repository}` as RepositoryName,
    tags,
    manifests,
    untaggedListed: true,
    pullsSince: 0,
    unreadable: [],
  };
}

const repositories = Number(process.argv[2] ?? 1);
const compiled = compilePolicy(policy);
let seconds = 0;
let deleted = 0;
for (let repository = 0; repository < repositories; repository++) {
  const inventory = inventoryOf(repository, TAGS / repositories);
  const begin = process.cpuUsage();
  const verdict = decideRetention(inventory, compiled, { now: NOW, inUse: NOTHING_IN_USE });
  const { user, system } = process.cpuUsage(begin);
  seconds += (user + system) / 1e6;
  deleted += verdict.tags.filter(({ outcome }) => outcome === "delete").length;
}
console.log(JSON.stringify({ seconds, deleted }));
