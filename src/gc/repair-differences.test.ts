import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  APP,
  OTHER,
  T,
  begin,
  data,
  digestOf,
  end,
  expectRepaired,
  found,
  honest,
  inTrash,
  layerOf,
  lose,
  multi,
  one,
  run,
  serveOnce,
  spoil,
  tree,
} from "../../test/support/damaged-tree.ts";
import { image } from "../../test/support/image.ts";
import { parseTag } from "../oci/reference.ts";
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
import { openRepairable } from "./open-repairable.ts";
import { repairRegistry } from "./repair.ts";

beforeEach(begin);
afterEach(end);

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

describe("the trash", () => {
  test("forgets an entry whose bytes are gone", async () => {
    await serveOnce();
    const stray = layerOf(image());
    await tree.write(blobPath(stray), "anything");
    await run();
    const [row] = await inTrash();
    await tree.storage.delete(trashPath(row!.id));

    expect((await found()).map(({ cause, digest }) => [cause, digest])).toEqual([
      ["trash-row", stray],
    ]);
    await expectRepaired();

    expect(await inTrash()).toEqual([]);
  });

  test("lists a file that it did not list, under the digest of its bytes", async () => {
    await serveOnce();
    const layer = layerOf(one);
    await tree.write(trashPath(77), one.blobs[1]!.bytes);

    await expectRepaired();

    expect(await inTrash()).toMatchObject([{ kind: "blob", digest: layer }]);
    await lose(layer);
    await expectRepaired();
  });
});
