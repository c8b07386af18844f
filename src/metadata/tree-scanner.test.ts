import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { image } from "../../test/support/image.ts";
import { newTreeIn } from "../../test/support/stored-tree.ts";
import { parseName } from "../oci/name.ts";
import type { Metadata } from "./metadata.ts";
import { openSqlite } from "./sqlite.ts";
import { type ScanEvents, type TreeScanner, startTreeScan } from "./tree-scanner.ts";

setDefaultTimeout(30_000);

const NAMES = ["a", "b/c", "d"].map(parseName);
const [A] = NAMES as [(typeof NAMES)[number]];

interface Given extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly said: string[];
  scan(metadata?: Pick<Metadata, "replaceRepository">): TreeScanner;
}

/** A folder with three repositories, and metadata that know nothing yet. */
async function given(): Promise<Given> {
  const folder: Folder = await temporaryFolder();
  const tree = newTreeIn(folder.path);
  for (const name of NAMES) await tree.put(name, image(), "v1");
  const database = folder.at("metadata.sqlite");
  const metadata = await openSqlite(database);
  const said: string[] = [];
  const events: ScanEvents = {
    compared: () => undefined,
    changed: (name) => void said.push(`changed ${name}`),
    problem: ({ path }) => void said.push(`problem ${path}`),
    failed: (error) => void said.push(`failed ${(error as Error).message}`),
  };
  const place = { database, folder: folder.path, now: Date.now(), except: new Set<never>() };
  return {
    metadata,
    said,
    scan: (to = metadata) => startTreeScan(place, to, events),
    async [Symbol.asyncDispose]() {
      await metadata.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("the comparison in its thread", () => {
  test("brings everything that is different to the metadata, and ends", async () => {
    await using of = await given();
    const scan = of.scan();
    expect(await scan.listed).toEqual(NAMES);
    expect(await scan.finished).toMatchObject({ repositories: 3, changed: 3, tags: 3 });
    expect(of.said.toSorted()).toEqual(["changed a", "changed b/c", "changed d"]);
    expect(await of.metadata.listRepositories({ last: null, limit: 10 })).toEqual(NAMES);
    expect(scan.ready(A, "change")).toBeUndefined();
    expect(await scan.listed).toBeNull();

    const again = of.scan();
    expect(await again.finished).toMatchObject({ repositories: 3, changed: 0 });
  });

  test("lets a caller wait for one repository, and says when that is up to date", async () => {
    await using of = await given();
    const scan = of.scan();
    await Promise.all([scan.ready(A, "read"), scan.ready(A, "change"), scan.ready(A, "read")]);
    expect((await of.metadata.knownRepository(A))?.tags.size).toBe(1);
    await scan.ready(parseName("no/such"), "read");
    expect(await of.metadata.hasRepository(parseName("no/such"))).toBe(false);
    await scan.finished;
  });

  test("refuses changes with the reason while differences cannot be recorded, and tries again when asked", async () => {
    await using of = await given();
    let full = true;
    const scan = of.scan({
      async replaceRepository(snapshot) {
        if (full) throw new Error("the disk is full");
        return await of.metadata.replaceRepository(snapshot);
      },
    });
    const refused = await scan.ready(A, "change")?.catch((error: unknown) => error);
    expect(refused).toEqual(new Error("the disk is full"));
    expect(of.said).toContain("failed the disk is full");
    full = false;
    await scan.ready(A, "change");
    expect((await of.metadata.knownRepository(A))?.tags.size).toBe(1);
    await scan.close();
  });

  test("can be stopped at any moment, also at once and twice", async () => {
    await using of = await given();
    for (const wait of [0, 1, 5, 20, 60]) {
      const scan = of.scan();
      await Bun.sleep(wait);
      const asked = scan.ready(A, "read");
      await scan.close();
      await scan.close();
      await asked;
      expect(scan.ready(A, "read")).toBeUndefined();
    }
    expect(await of.scan().finished).toMatchObject({ repositories: 3 });
  });

  test("lets no change happen in a repository that a stop has kept from being compared", async () => {
    await using of = await given();
    const never = new Promise<never>(() => undefined);
    const scan = of.scan({ replaceRepository: () => never });
    const change = scan.ready(A, "change")?.catch((error: unknown) => error);
    const read = scan.ready(A, "read");
    await scan.listed;
    await scan.close();
    expect(await change).toMatchObject({ kind: "UNAVAILABLE" });
    await read;
  });

  test("that cannot begin lets everything be served as it is known", async () => {
    await using of = await given();
    const nowhere = {
      database: "/nowhere/x",
      folder: "/nowhere",
      now: 0,
      except: new Set<never>(),
    };
    const failed: unknown[] = [];
    const scan = startTreeScan(nowhere, of.metadata, {
      compared: () => undefined,
      changed: () => undefined,
      problem: () => undefined,
      failed: (error) => void failed.push(error),
    });
    expect(await scan.finished).toBeNull();
    expect(failed).toHaveLength(1);
    expect(scan.ready(A, "change")).toBeUndefined();
    await scan.close();
  });
});
