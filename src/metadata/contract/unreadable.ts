import { describe, expect, test } from "bun:test";
import { parseTag } from "../../oci/reference.ts";
import type { Leftover } from "../collection.ts";
import type { RepositorySnapshot } from "../metadata.ts";
import { POLICY, collectAll, follow, queue } from "./collection-support.ts";
import { APP, type Given, OTHER, blobOf, digestFor, snapshotOf } from "./fixtures.ts";

const DAMAGE = { path: "docker/registry/v2/somewhere/link", problem: "the link is empty" };

/** As it is in the tree: everything in it is garbage. */
const UNTAGGED: RepositorySnapshot = { ...snapshotOf(APP, ["layer"], { one: "v1" }), tags: [] };
const WHOLE = { unreadable: [], hides: false, mentions: [] } as const;
const BROKEN = { ...WHOLE, unreadable: [DAMAGE] } as const;
const KEEP_ALL = { blobs: "all", manifests: "all", tags: "all" } as const;

/** What could not be read or understood is not absent. */
export function unreadable(given: Given): void {
  const replace = async (more: Partial<RepositorySnapshot>): Promise<void> => {
    await given.metadata.replaceRepository({ ...UNTAGGED, ...more });
  };

  describe("a repository of which something could not be read", () => {
    test("is kept whole, leaves the queue, and comes back when it is whole", async () => {
      await replace(BROKEN);
      const items = await given.metadata.readReview({ manifests: 50_000, links: 50_000 }, 10);

      const { kept } = await given.metadata.collect(items, POLICY);

      expect(kept.unreadable).toBe(items.length);
      expect(items.length).toBeGreaterThan(0);
      expect(await queue(given.metadata)).toEqual([]);
      expect((await given.metadata.recordsOf(APP))?.unreadable).toEqual([DAMAGE]);
      expect(await given.metadata.knownRepository(APP)).toMatchObject(BROKEN);

      await replace(WHOLE);

      expect((await given.metadata.recordsOf(APP))?.unreadable).toEqual([]);
      expect(await collectAll(given)).toEqual(["manifest one", "link layer"]);
    });

    test("stays so when a snapshot says nothing of it, and across a restart", async () => {
      await replace(BROKEN);
      await replace({ keep: KEEP_ALL });
      await given.metadata.close();
      given.metadata = await given.open();

      expect(await collectAll(given)).toEqual([]);
    });

    test("does not keep what is in others", async () => {
      await replace(BROKEN);
      await given.link("config", OTHER);

      expect(await collectAll(given)).toEqual(["link config"]);
    });

    test("loses what clients delete", async () => {
      await replace(BROKEN);
      const removed = await given.metadata.removeManifest(APP, digestFor("one"), 2000);
      expect(removed).toMatchObject({ removed: true });
    });
  });

  test("a manifest that is not understood keeps its repository whole until it is deleted", async () => {
    const [one] = UNTAGGED.manifests;
    const two = snapshotOf(APP, [], { two: "v2" }).manifests;
    await replace({
      ...WHOLE,
      manifests: [...(one ? [{ ...one, doubt: "its media type is not known" }] : []), ...two],
    });
    expect(await collectAll(given)).toEqual([]);

    await given.metadata.removeManifest(APP, digestFor("one"), 2000);

    expect(await collectAll(given)).toEqual(["manifest two", "link layer"]);
  });

  describe("what a repository mentions without having it", () => {
    const mentioning = async (manifest: "one" | null): Promise<void> => {
      const by = manifest === null ? null : digestFor(manifest);
      await replace({ ...WHOLE, mentions: [{ digest: digestFor("config"), manifest: by }] });
    };

    test("keeps its bytes, wherever else it was linked", async () => {
      await given.link("config", OTHER);
      await mentioning(null);
      await collectAll(given);
      await given.metadata.doom([blobOf("config")], 3000);
      await follow(given.metadata);

      const claims = await given.metadata.claim(10, [], POLICY);

      expect(claims.map(({ digest }) => digest)).not.toContain(digestFor("config"));
      expect(await given.metadata.standingOf([digestFor("config")])).toEqual(["needed"]);
    });

    test("goes with the manifest that mentions it", async () => {
      await mentioning("one");
      await given.metadata.doom([blobOf("config")], 3000);
      expect(await given.metadata.standingOf([digestFor("config")])).toEqual(["needed"]);

      await collectAll(given);
      await given.metadata.doom([blobOf("config")], 3000);
      await follow(given.metadata);

      const claims = await given.metadata.claim(10, [], POLICY);
      expect(claims.map(({ digest }) => digest)).toContain(digestFor("config"));
    });

    test("goes when a later snapshot does not mention it", async () => {
      await given.link("config", OTHER);
      await mentioning(null);
      await collectAll(given);
      await replace(WHOLE);
      await follow(given.metadata);

      const claims = await given.metadata.claim(10, [], POLICY);
      expect(claims.map(({ digest }) => digest)).toContain(digestFor("config"));
    });
  });

  test("while a repository hides which blobs it needs, none is claimed, and it is said which", async () => {
    await given.link("config", OTHER);
    await replace({ ...BROKEN, hides: true });
    expect(await collectAll(given)).toEqual(["link config"]);
    await follow(given.metadata);

    expect(await given.metadata.claim(10, [], POLICY)).toEqual([]);
    expect(await given.metadata.hasDoomed()).toBe(false);
    expect(await given.metadata.findHiding()).toEqual({ name: APP, damage: DAMAGE });

    await replace(BROKEN);

    expect(await given.metadata.claim(10, [], POLICY)).toHaveLength(1);
    expect(await given.metadata.findHiding()).toBeNull();
  });

  describe("leftovers", () => {
    const all: readonly Leftover[] = [
      { kind: "link", digest: digestFor("layer") },
      { kind: "link", digest: digestFor("small") },
      { kind: "manifest", digest: digestFor("one") },
      { kind: "manifest", digest: digestFor("two") },
      { kind: "history", tag: parseTag("v1"), digest: digestFor("one") },
      { kind: "history", tag: parseTag("v1"), digest: digestFor("two") },
      { kind: "tag", tag: parseTag("v1") },
      { kind: "tag", tag: parseTag("v2") },
      { kind: "repository" },
    ];

    test("go by the journal, what the tables know stays", async () => {
      await given.metadata.replaceRepository(snapshotOf(APP, ["layer"], { one: "v1" }));

      expect(await given.metadata.clear(APP, all)).toBe(4);

      expect((await given.journal()).map(({ op }) => op)).toEqual([
        "unlink-layer",
        "remove-manifest",
        "forget-tagged",
        "remove-tag",
      ]);
    });

    test("go with the folders of a repository that the tables do not know", async () => {
      expect(await given.metadata.clear(APP, [{ kind: "repository" }])).toBe(1);
      expect((await given.journal()).map(({ op }) => op)).toEqual(["remove-repository"]);
    });

    test("stay in a repository of which something could not be read", async () => {
      await replace(BROKEN);
      expect(await given.metadata.clear(APP, all)).toBe(0);
      expect(await given.journal()).toEqual([]);
    });
  });
}
