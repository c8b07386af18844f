import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { blob, mediaTypes, randomBytes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { Random } from "../support/random.ts";
import { type Server, againstDockerRegistry, startDockerRegistry } from "../support/server.ts";

setDefaultTimeout(300_000);

const main = join(import.meta.dir, "..", "..", "src", "main.ts");

/** How long clients push while the folder is collected, again and again. */
const SECONDS = process.env["DURABILITY"] === "thorough" ? 120 : 8;
/** Short: what was pushed a moment ago is garbage in the next when nothing needs it. */
const GRACE = "1s";

/** Of the registry that runs: it answers for blobs that it has seen once without looking at the disk. */
function withCache(data: string): Promise<Server> {
  const storage = {
    filesystem: { rootdirectory: data },
    delete: { enabled: true },
    cache: { blobdescriptor: "inmemory" },
  };
  return startDockerRegistry(data, { storage });
}

/** `wharf gc DIR --yes` as a process of its own; its exit code must be one of a collection that worked. */
async function collect(data: string): Promise<string> {
  const command = [process.execPath, main, "gc", data, "--yes", "--grace", GRACE];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  expect({ exit: await child.exited, said }).toEqual({ exit: 0, said: expect.any(String) });
  return said;
}

group("wharf gc beside a docker-registry that runs", ["docker-registry"], () => {
  test.skipIf(againstDockerRegistry)(
    "every image whose push was acknowledged is pulled completely, also of blobs that were garbage at that moment",
    async () => {
      await using folder = await temporaryFolder();
      const data = await folder.folder("data");
      const seed = Number(process.env["GC_SEED"] ?? Date.now() % 2 ** 31);
      const random = new Random(seed);
      const acknowledged = new Map<string, { repository: string; tag: string; fixture: Fixture }>();
      const pool = images();
      let pushes = 0;
      let runs = 0;
      {
        await using registry = await withCache(data);
        // All of it is known to the cache, and garbage from the beginning.
        for (const fixture of pool) await fixture.push(registry.url, "app");
        let going = true;
        const client = async (number: number): Promise<void> => {
          while (going) {
            const fixture = random.chance(0.8) ? random.pick(pool) : image({ layers: 2 });
            const repository = random.pick(["app", "other/app"]);
            const tag = `c${number}-${random.below(4)}`;
            // What is refused is not acknowledged; and until the next answer nobody knows what the tag names.
            acknowledged.delete(`${repository}:${tag}`);
            const taken = await fixture.push(registry.url, repository, tag).then(
              () => true,
              () => false,
            );
            if (taken) acknowledged.set(`${repository}:${tag}`, { repository, tag, fixture });
            pushes++;
            await Bun.sleep(random.below(60));
          }
        };
        const clients = [0, 1, 2].map(client);
        const end = performance.now() + SECONDS * 1000;
        while (performance.now() < end || runs < 3) {
          await collect(data);
          runs++;
        }
        going = false;
        await Promise.all(clients);
        // And after the last run: the cache still knows what lies in the trash.
        for (const [at, fixture] of pool.entries()) {
          const taken = await fixture.push(registry.url, "late", `t${at}`).then(
            () => true,
            () => false,
          );
          const entry = { repository: "late", tag: `t${at}`, fixture };
          if (taken) acknowledged.set(`late:t${at}`, entry);
        }
      }
      expect(pushes).toBeGreaterThan(10);

      await collect(data);

      await using fresh = await withCache(data);
      const wrong: string[] = [];
      for (const { repository, tag, fixture } of acknowledged.values()) {
        const missing = await notServed(fresh.url, repository, tag, fixture);
        wrong.push(...missing.map((what) => `${repository}:${tag}: ${what}`));
      }
      expect({ seed, runs, wrong }).toEqual({ seed, runs, wrong: [] });
      expect(acknowledged.size).toBeGreaterThan(5);
    },
  );
});

/** They share layers, so that one is garbage and needed within a moment. */
function images(): Fixture[] {
  const layers = Array.from({ length: 4 }, () => {
    const layer = blob(mediaTypes.layer, randomBytes(30_000));
    return { ...layer, diffId: layer.descriptor.digest };
  });
  const [one, two, three, four] = layers;
  if (!one || !two || !three || !four) throw new Error("there are four");
  const single = [
    [one, two],
    [two, three],
    [three, four],
    [one, four],
  ].map((some) => image({ layers: some }));
  return [...single, index(single.slice(0, 2)), index(single.slice(2))];
}
