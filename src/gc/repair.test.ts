import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { checkFolder } from "../../test/support/clean.ts";
import { type Folder, temporaryFolder } from "../../test/support/folder.ts";
import { type Fixture, image, index } from "../../test/support/image.ts";
import { type Tree, newTreeIn } from "../../test/support/stored-tree.ts";
import type { TrashRecord } from "../metadata/collection.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { openRegistry } from "../registry/open.ts";
import type { SmallObject } from "../storage/storage.ts";
import {
  blobPath,
  layerLink,
  layerPath,
  revisionLink,
  revisionPath,
  tagCurrentLink,
  tagPath,
  trashPath,
} from "../storage/tree.ts";
import { openForPlan, openRepairable } from "./open-repairable.ts";
import { type RepairEvent, repairRegistry } from "./repair.ts";
import type { RepairSource, Wanted } from "./repair-source.ts";

const APP = parseName("team/app");
const OTHER = parseName("other");
const T = parseTag("1");

let folder: Folder;
let data: string;
let tree: Tree;
let one: Fixture;
let multi: Fixture;

const layerOf = (fixture: Fixture): Digest => parseDigest(fixture.blobs[1]!.descriptor.digest);
const digestOf = (fixture: Fixture): Digest => parseDigest(fixture.digest);
const bytesOf = (digest: Digest): Uint8Array => {
  const all = [one, multi, ...multi.children];
  const manifest = all.find((fixture) => fixture.digest === digest);
  const blobs = all.flatMap((fixture) => fixture.blobs);
  return (
    manifest?.bytes ??
    (blobs.find(({ descriptor }) => descriptor.digest === digest)?.bytes as Uint8Array)
  );
};

beforeEach(async () => {
  folder = await temporaryFolder();
  data = folder.at("data");
  tree = newTreeIn(data);
  one = image({ layers: 2 });
  multi = index([image(), image()]);
  await tree.put(APP, one, "1", "latest");
  await tree.put(APP, multi, "multi");
});
afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

/** Our registry has had the folder open, and is stopped. */
async function serveOnce(): Promise<void> {
  const rules = { delete: true, sparse: false, maxManifestSize: 8 * 1024 * 1024 };
  const read = Promise.withResolvers<void>();
  const events = {
    reading: () => undefined,
    read: () => read.resolve(),
    info: () => undefined,
    warn: () => undefined,
  };
  const open = await openRegistry(data, rules, events);
  await read.promise;
  await open.registry.metadata.listRepositories({ last: null, limit: 1 });
  while ((await open.registry.metadata.getSetting("tree-read")) === null) await Bun.sleep(5);
  await open.close();
}

interface Outcome {
  readonly steps: readonly Extract<RepairEvent, { step: unknown }>["step"][];
  readonly left: readonly Extract<RepairEvent, { left: unknown }>["left"][];
}

async function run(options: { dryRun?: boolean; source?: RepairSource } = {}): Promise<Outcome> {
  const { dryRun = false, source = null } = options;
  await using open = dryRun ? await openForPlan(data) : await openRepairable(data);
  const steps: Outcome["steps"][number][] = [];
  const left: Outcome["left"][number][] = [];
  const all = { verifyBytes: true, sparse: false, settle: null, dryRun, source };
  for await (const event of repairRegistry(open.what, all)) {
    if ("step" in event) steps.push(event.step);
    if ("left" in event) left.push(event.left);
  }
  return { steps, left };
}

const found = async () => (await checkFolder(data)).findings;

/** Asserts that there is damage, that it is repaired, and that nothing is left of it. */
async function expectRepaired(options: { source?: RepairSource } = {}): Promise<Outcome> {
  expect(await found()).not.toEqual([]);
  const planned = await run({ ...options, dryRun: true });
  expect(planned.steps.filter(({ result }) => result === "planned")).not.toEqual([]);
  expect(await found()).not.toEqual([]);
  const outcome = await run(options);
  expect(outcome.left).toEqual([]);
  expect(await found()).toEqual([]);
  expect((await run()).steps).toEqual([]);
  return outcome;
}

async function inTrash(): Promise<TrashRecord[]> {
  await using open = await openRepairable(data);
  return (await open.what.trash?.listTrash({ limit: 100 })) ?? [];
}

/** Has everything, and says so truthfully. */
const honest: RepairSource = {
  name: "https://source.example",
  has: async () => true,
  async open({ digest }: Wanted) {
    const bytes = bytesOf(digest) as Uint8Array<ArrayBuffer> | undefined;
    return bytes ? new Blob([bytes]).stream() : null;
  },
};

/** Puts bytes into the trash, as a collection does. */
async function toTrash(digest: Digest): Promise<void> {
  await using open = await openRepairable(data);
  const { trash, storage } = open.what;
  const [id] = await trash!.addTrash([
    {
      run: null,
      kind: "blob",
      repository: null,
      tag: null,
      digest,
      size: bytesOf(digest).length,
      mediaType: null,
      bytes: null,
      madeAt: 1,
      removedAt: 2,
      reason: "collected",
      removedBy: null,
    },
  ]);
  await storage.move(blobPath(digest), trashPath(id!));
}

const spoil = async (digest: Digest): Promise<void> => {
  const size = bytesOf(digest).length;
  await tree.write(blobPath(digest), new Uint8Array(size).fill(7));
};
const lose = async (digest: Digest): Promise<void> => await tree.storage.delete(blobPath(digest));

/** Each kind of lost bytes, whatever they are bytes of. */
const LOST: readonly [string, () => Digest][] = [
  ["a layer", () => layerOf(one)],
  ["a config", () => parseDigest(one.blobs[0]!.descriptor.digest)],
  ["the manifest of a tag", () => digestOf(one)],
  ["a child of an index", () => digestOf(multi.children[0]!)],
  ["an index", () => digestOf(multi)],
];
const WAYS: readonly [string, (digest: Digest) => Promise<void>][] = [
  ["is missing", lose],
  ["has other bytes", spoil],
  ["is empty", async (digest) => await tree.write(blobPath(digest), "")],
];

for (const [state, prepare] of [
  ["a folder of another registry", async () => undefined],
  ["a folder of ours that is stopped", serveOnce],
] as const) {
  describe(`in ${state}`, () => {
    for (const [what, digest] of LOST) {
      for (const [how, damage] of WAYS) {
        test(`${what} that ${how} comes back from a source`, async () => {
          await prepare();
          await damage(digest());

          await expectRepaired({ source: honest });

          const replaced = how === "is missing" ? [] : [digest()];
          expect((await inTrash()).map((row) => row.digest)).toEqual(replaced);
        });
      }
      test(`${what} comes back from the trash`, async () => {
        await prepare();
        await toTrash(digest());

        const { steps } = await expectRepaired();

        const from = steps.map(({ says }) => says).join();
        expect(from).toMatch(/from (the trash|the metadata)/);
      });
    }

    test("a layer's and a manifest's link that are torn are written again", async () => {
      await prepare();
      await tree.write(layerLink(APP, layerOf(one)), "");
      await tree.write(revisionLink(APP, digestOf(one)), "sha256:12");

      await expectRepaired();

      expect(await Bun.file(`${data}/${layerLink(APP, layerOf(one))}`).text()).toBe(layerOf(one));
    });

    test("a tag's link that is torn is written again where the tag has named only one", async () => {
      await prepare();
      await tree.write(tagCurrentLink(APP, T), "");

      await expectRepaired();

      expect(await Bun.file(`${data}/${tagCurrentLink(APP, T)}`).text()).toBe(one.digest);
    });

    test("a layer whose link is gone is linked again", async () => {
      await prepare();
      await tree.storage.delete(layerPath(APP, layerOf(one)));

      await expectRepaired();
    });

    test("a child whose link is gone comes back with its layers", async () => {
      await prepare();
      const child = multi.children[0]!;
      await tree.storage.delete(revisionPath(APP, digestOf(child)));
      await tree.storage.delete(layerPath(APP, layerOf(child)));
      await tree.storage.delete(blobPath(layerOf(child)));

      await expectRepaired({ source: honest });
    });

    test("the manifest of a tag whose link is gone comes back", async () => {
      await prepare();
      await tree.storage.delete(revisionPath(APP, digestOf(one)));

      await expectRepaired();
    });

    test("a link that says nothing and leads nowhere goes", async () => {
      await prepare();
      const stray = image();
      await tree.write(layerLink(APP, layerOf(stray)), "");
      await tree.write(revisionLink(APP, digestOf(stray)), "");

      await expectRepaired();

      expect(await inTrash()).toEqual([]);
    });

    test("a link that leads nowhere goes to the trash", async () => {
      await prepare();
      const stray = layerOf(image());
      await tree.write(layerLink(APP, stray), stray);

      await expectRepaired();

      expect((await inTrash()).map(({ kind, digest }) => [kind, digest])).toEqual([
        ["link", stray],
      ]);
    });

    test("damaged bytes that nothing needs go to the trash", async () => {
      await prepare();
      const stray = layerOf(image());
      await tree.write(blobPath(stray), "anything");

      await expectRepaired();

      const [row] = await inTrash();
      expect(row).toMatchObject({ kind: "blob", digest: stray, size: 8 });
      expect(await Bun.file(`${data}/${trashPath(row!.id)}`).text()).toBe("anything");
    });

    test("a tag that says nothing and has named nothing goes", async () => {
      await prepare();
      await tree.write(`${tagPath(APP, parseTag("empty"))}/current/link`, "");

      await expectRepaired();
    });

    test("what is nowhere stays broken, and is told with the reason", async () => {
      await prepare();
      await lose(layerOf(one));

      const { left } = await run();

      const broken = left.filter(({ images }) => images.length > 0);
      expect(broken.map(({ images }) => images.toSorted())).toEqual([
        ["team/app:1", "team/app:latest"],
      ]);
      expect(broken[0]!.why).toContain("its bytes are nowhere");
    });

    test("a source that lies, or is down, is told of, and nothing of it is kept", async () => {
      await prepare();
      await spoil(layerOf(one));
      const lying: RepairSource = {
        ...honest,
        open: async () => new Blob(["something else"]).stream(),
      };

      const { left } = await run({ source: lying });

      expect(left[0]!.why).toContain("sends other bytes");
      expect(await inTrash()).toEqual([]);
      await expectRepaired({ source: honest });
    });

    test("bytes that cannot be read are not taken for absent", async () => {
      await prepare();
      await lose(layerOf(one));
      await using open = await openRepairable(data);
      const { storage } = open.what;
      const fail = (path: string): void => {
        if (path === blobPath(layerOf(one))) throw Object.assign(new Error("EIO"), { code: "EIO" });
      };
      const what = {
        ...open.what,
        storage: {
          ...storage,
          stat: async (path: string) => (fail(path), await storage.stat(path)),
          read: async (path: string) => (fail(path), await storage.read(path)),
        },
      };
      const all = {
        verifyBytes: false,
        sparse: false,
        settle: null,
        dryRun: false,
        source: honest,
      };
      const events = await Array.fromAsync(repairRegistry(what, all));

      expect(events.filter((event) => "step" in event)).toEqual([]);
      expect(events.find((event) => "left" in event)).toMatchObject({
        left: { cause: "medium", why: "what cannot be read is not changed" },
      });
    });
  });
}

describe("a tree and metadata that differ", () => {
  beforeEach(serveOnce);

  test("agree again on what another program has removed, with a way back", async () => {
    await tree.storage.delete(tagPath(APP, T));
    await tree.storage.delete(tagPath(APP, parseTag("latest")));
    await tree.storage.delete(revisionPath(APP, digestOf(one)));

    await expectRepaired();

    const rows = await inTrash();
    expect(rows.map(({ kind, tag }) => `${kind} ${tag}`).toSorted()).toEqual([
      "manifest null",
      "tag 1",
      "tag latest",
    ]);
  });

  test("agree again on a tag that was moved, and remember what it named", async () => {
    await tree.write(tagCurrentLink(APP, T), multi.digest);

    await expectRepaired();

    expect(await inTrash()).toMatchObject([{ kind: "tag", tag: T, digest: one.digest }]);
  });

  test("agree again on a repository that was added", async () => {
    await tree.put(OTHER, image(), "new");

    await expectRepaired();
  });
});

test("a torn link of a tag that has named several is left to a person", async () => {
  await tree.put(APP, multi, "1");
  await tree.write(tagCurrentLink(APP, T), "");

  const { left } = await run();

  expect(left[0]!.why).toContain("it has named 2 manifests");
});

test("a layer comes from where another repository has it", async () => {
  await tree.put(OTHER, one, "copy");
  await tree.storage.delete(layerPath(APP, layerOf(one)));

  const { steps } = await expectRepaired();

  expect(steps.map(({ says }) => says)).toEqual(["it is linked: its bytes are here"]);
});

test("a repair that is cut off anywhere and begun again comes to the same end", async () => {
  await serveOnce();
  const damage = async (): Promise<void> => {
    await spoil(layerOf(one));
    await lose(digestOf(multi.children[0]!));
    await tree.storage.delete(layerPath(APP, layerOf(multi.children[1]!)));
    await tree.write(revisionLink(APP, digestOf(one)), "");
    await tree.write(tagCurrentLink(APP, T), "");
    await tree.write(layerLink(APP, layerOf(image())), "");
  };
  for (let last = 0, over = false; !over; last++) {
    await damage();
    over = true;
    {
      await using open = await openRepairable(data);
      let calls = 0;
      const cut =
        <T extends unknown[], R>(work: (...of: T) => Promise<R>) =>
        async (...of: T): Promise<R> => {
          if (calls++ < last) return await work(...of);
          over = false;
          throw new Error("killed");
        };
      const { storage, metadata, trash } = open.what;
      const what = {
        ...open.what,
        storage: {
          ...storage,
          write: cut(async (objects: readonly SmallObject[]) => await storage.write(objects)),
          move: cut(async (from: string, to: string) => await storage.move(from, to)),
          delete: cut(async (path: string) => await storage.delete(path)),
        },
        metadata: {
          ...metadata,
          linkBlob: cut(metadata.linkBlob),
          unlinkBlob: cut(metadata.unlinkBlob),
          replaceRepository: cut(metadata.replaceRepository),
        },
        trash: { ...trash!, addTrash: cut(trash!.addTrash) },
        settle: async () => {
          if (calls >= last) throw new Error("killed");
          await open.what.settle();
        },
      };
      const all = { verifyBytes: true, sparse: false, settle: null, dryRun: false, source: honest };
      await Array.fromAsync(repairRegistry(what, all)).catch(() => undefined);
    }
    const { left } = await run({ source: honest });
    expect(left).toEqual([]);
    expect(await found()).toEqual([]);
  }
}, 120_000);
