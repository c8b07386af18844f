import type { Metadata } from "../../../src/metadata/metadata.ts";
import { readTree } from "../../../src/metadata/read-tree.ts";
import { digestOf, isDigest, type Digest } from "../../../src/oci/digest.ts";
import { openBlob } from "../../../src/registry/blobs.ts";
import { filesystemStorage } from "../../../src/storage/filesystem.ts";
import { UPLOADS } from "../../../src/storage/tree.ts";
import { SimulatedMetadata, newDatabase } from "./simulated-metadata.ts";
import { type Effects, type Shown, type World, DATA, apply, lines, same } from "./world.ts";

/** Everything that a scenario ever speaks of, so that what should not be there is looked for, too. */
export interface Universe {
  readonly digests: readonly Digest[];
  /** In the end, when all that nobody needs was collected and freed, no byte is left that nobody knows. */
  readonly collects: boolean;
}

export function universeOf(effects: Iterable<Effects>, collects = false): Universe {
  const digests = new Set<Digest>();
  for (const change of effects) {
    for (const [key] of change) {
      const last = key.split(" ").at(-1) ?? "";
      if (isDigest(last)) digests.add(last);
    }
  }
  return { digests: [...digests], collects };
}

/**
 * What of its promises a registry breaks; nothing when all is well. `underWay`: changes that were not
 * acknowledged, each of which may be there as a whole, or not at all.
 */
export async function broken(
  world: World,
  acknowledged: Shown,
  underWay: readonly Effects[],
  universe: Universe,
): Promise<string[]> {
  const shown = await show(world.metadata, universe);
  const allowed = outcomes(acknowledged, underWay);
  if (!allowed.some((one) => same(one, shown))) {
    return [`shown:\n${lines(shown)}\nacknowledged:\n${lines(acknowledged)}`];
  }
  return [...(await damaged(world, shown)), ...(await leftOver(world))];
}

/** What the tree says that the tables do not, or the other way round, once it has followed. */
export async function treeDiffers(world: World, universe: Universe): Promise<string[]> {
  await world.follow();
  const shown = await show(world.metadata, universe);
  using fresh = new SimulatedMetadata(newDatabase(), () => {});
  const metadata = fresh.open();
  const storage = filesystemStorage(DATA, { disk: world.disk, blocking: true });
  const report = await readTree(storage, metadata, { now: world.now });
  const problems = report.problems.map(({ problem, path }) => `${path}: ${problem}`);
  const inTree = await show(metadata, universe);
  if (same(shown, inTree)) return problems;
  return [...problems, `the tree shows:\n${lines(inTree)}\nthe tables:\n${lines(shown)}`];
}

const ALL = { last: null, limit: 1000 };

export async function show(
  metadata: Metadata,
  { digests }: Pick<Universe, "digests">,
): Promise<Map<string, string>> {
  const shown = new Map<string, string>();
  for (const name of await metadata.listRepositories(ALL)) {
    for (const { tag, digest } of (await metadata.listTags(name, ALL)) ?? []) {
      shown.set(`tag ${name} ${tag}`, digest);
    }
    for (const digest of digests) {
      if (await metadata.findManifest(name, digest)) shown.set(`manifest ${name} ${digest}`, "");
      if (await metadata.findBlob(name, digest)) shown.set(`blob ${name} ${digest}`, "");
    }
  }
  return shown;
}

/** What is shown and cannot be served, byte for byte, with all that it needs. */
export async function damaged(world: World, shown: Shown): Promise<string[]> {
  const found: string[] = [];
  for (const [key, value] of shown) {
    const [kind, repository = "", reference = ""] = key.split(" ");
    const name = repository as Parameters<Metadata["findBlob"]>[0];
    const digest = (kind === "tag" ? value : reference) as Digest;
    if (kind === "blob") {
      const blob = await world.metadata.findBlob(name, digest);
      const problem = blob && (await problemOf(world, blob));
      if (problem) found.push(`${key}: ${problem}`);
      continue;
    }
    const manifest = await world.metadata.findManifest(name, digest);
    if (!manifest || digestOf(manifest.bytes, algorithm(digest)) !== digest) {
      found.push(`${key}: its manifest is not there`);
    }
    for (const { digest: part, role } of await world.metadata.referencesOf(name, digest)) {
      const kept = role === "child" ? "manifest" : "blob";
      if (!shown.has(`${kept} ${name} ${part}`)) found.push(`${key}: lacks ${role} ${part}`);
    }
  }
  return found;
}

async function problemOf(
  world: World,
  blob: { digest: Digest; size: number },
): Promise<string | null> {
  try {
    const { body } = await openBlob(blob, undefined, world.registry);
    const bytes = await new Response(body).bytes();
    return digestOf(bytes, algorithm(blob.digest)) === blob.digest ? null : "other bytes";
  } catch (error) {
    return (error as Error).message;
  }
}

function algorithm(digest: Digest): "sha256" | "sha512" {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** Bytes of uploads that nobody can name any more. */
async function leftOver({ registry }: World): Promise<string[]> {
  const known = new Set((await registry.metadata.listUploads()).map(({ id }) => id));
  const files = await Array.fromAsync(registry.storage.list(UPLOADS));
  return files.filter(({ name }) => !known.has(name)).map(({ name }) => `left over: ${name}`);
}

/** Each change that was under way, done or not done, in every combination. */
function outcomes(acknowledged: Shown, underWay: readonly Effects[]): Shown[] {
  let all: Shown[] = [acknowledged];
  for (const effects of underWay) {
    all = all.flatMap((shown) => [shown, apply(shown, effects)]);
  }
  return all;
}
