import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  APP,
  T,
  begin,
  data,
  digestOf,
  end,
  expectRepaired,
  honest,
  inTrash,
  layerOf,
  lose,
  multi,
  one,
  run,
  serveOnce,
  spoil,
  toTrash,
  tree,
} from "../../test/support/damaged-tree.ts";
import { image } from "../../test/support/image.ts";
import { type Digest, parseDigest } from "../oci/digest.ts";
import { parseTag } from "../oci/reference.ts";
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
import type { RepairSource } from "./repair-source.ts";

beforeEach(begin);
afterEach(end);

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
