import { describe, expect, test } from "bun:test";
import { parseName } from "../../src/oci/name.ts";
import { withTree } from "../../src/plan/targets/with-tree.ts";
import { parseTag } from "../../src/oci/reference.ts";
import { digestAt, openTarget, tagsAt } from "../support/api-target.ts";
import { type CountingProxy, countingProxy } from "../support/counting-proxy.ts";
import { failureOf } from "../support/failure.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image } from "../support/image.ts";
import { type Server, startDockerRegistry } from "../support/server.ts";

const APP = parseName("team/app");
const [OLD, LATEST] = [parseTag("old"), parseTag("latest")];

interface World extends AsyncDisposable {
  /** The registry's folder. */
  readonly data: string;
  readonly registry: Server;
  readonly proxy: CountingProxy;
  /** Under both tags. */
  readonly shared: Fixture;
}

async function world(more: object = {}): Promise<World> {
  const folder = await temporaryFolder();
  const registry = await startDockerRegistry(folder.path, more);
  const proxy = countingProxy(registry.url);
  const shared = image({ size: 10 });
  await shared.push(registry.url, APP, OLD, LATEST);
  return {
    data: folder.path,
    registry,
    proxy,
    shared,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

group("a tag that shares its digest, on docker-registry", ["docker-registry"], () => {
  test("stays when no detour is allowed, and nothing is written", async () => {
    await using at = await world();
    await using target = openTarget(at.proxy.url);
    await target.inventoryOf(APP);

    expect(await target.removesTags()).toBe(false);
    const error = await failureOf(target.removeTag(APP, OLD));

    expect(error.kind).toBe("REFUSED");
    expect(error.message).toContain("replaceTags");
    expect(at.proxy.passed.filter(({ method }) => ["PUT", "POST"].includes(method))).toEqual([]);
    expect(await tagsAt(at.registry.url, APP)).toEqual({
      [OLD]: at.shared.digest,
      [LATEST]: at.shared.digest,
    });
  });

  test("goes alone by a placeholder, and its digest is never deleted", async () => {
    await using at = await world();
    await using target = openTarget(at.proxy.url, { replaceTags: true });
    await target.inventoryOf(APP);

    expect(await target.removesTags()).toBe(true);
    await target.removeTag(APP, OLD);
    await target.removeTag(APP, OLD);

    expect(await tagsAt(at.registry.url, APP)).toEqual({ [LATEST]: at.shared.digest });
    const deleted = at.proxy.passed.filter(({ method }) => method === "DELETE");
    expect(deleted.filter(({ path }) => path.endsWith(at.shared.digest))).toEqual([]);
  });

  test("stays as it is where deleting is switched off", async () => {
    await using at = await world({ storage: { inmemory: {} } });
    await using target = openTarget(at.proxy.url, { replaceTags: true });

    const error = await failureOf(target.removeTag(APP, OLD));

    expect(error.kind).toBe("REFUSED");
    expect(error.message).toContain("switched off");
    expect(Object.keys(await tagsAt(at.registry.url, APP))).toHaveLength(2);
    expect(await digestAt(at.registry.url, APP, OLD)).toBe(at.shared.digest);
  });

  describe("when it is pushed while it is being removed", () => {
    const moments: readonly (readonly [string, (method: string, path: string) => boolean])[] = [
      ["before the placeholder", (method, path) => method === "PUT" && path.includes("/uploads/")],
      ["after the placeholder", (method, path) => method === "PUT" && path.endsWith(OLD)],
    ];
    test.each(moments)("%s, keeps what was pushed", async (_, isMoment) => {
      await using at = await world();
      const pushed = image({ size: 10 });
      at.proxy.after = async ({ method, path }) => {
        if (isMoment(method, path)) await pushed.push(at.registry.url, APP, OLD);
        return undefined;
      };
      await using target = openTarget(at.proxy.url, { replaceTags: true });

      const error = await failureOf(target.removeTag(APP, OLD));

      expect(error.kind).toBe("REFUSED");
      expect(error.message).toContain("pushed meanwhile");
      expect(await tagsAt(at.registry.url, APP)).toEqual({
        [OLD]: pushed.digest,
        [LATEST]: at.shared.digest,
      });
    });
  });

  test("is put back when its placeholder cannot be deleted", async () => {
    await using at = await world();
    at.proxy.intercept = ({ method, path }) =>
      method === "DELETE" && path.includes("sha256:") && !path.includes("0".repeat(64))
        ? new Response("", { status: 500 })
        : undefined;
    await using target = openTarget(at.proxy.url, { replaceTags: true });

    expect((await failureOf(target.removeTag(APP, OLD))).kind).toBe("REMOTE");

    expect(await tagsAt(at.registry.url, APP)).toEqual({
      [OLD]: at.shared.digest,
      [LATEST]: at.shared.digest,
    });
  });

  test("is as it was, gone, or on a placeholder after a crash at any request, and the next run ends it", async () => {
    const states = new Set<string>();
    for (const isLost of [false, true]) {
      for (let cut = 0; ; cut++) {
        await using at = await world();
        const whole = await crashAt(at, cut, isLost);
        const tags = await tagsAt(at.registry.url, APP);
        expect(tags[LATEST]).toBe(at.shared.digest);
        const state = [undefined, at.shared.digest].indexOf(tags[OLD]);
        states.add(["gone", "as it was"][state] ?? "on a placeholder");

        await using target = openTarget(at.registry.url, { replaceTags: true });
        const inventory = await target.inventoryOf(APP);
        for (const { digest } of inventory?.tags ?? [])
          expect(digest as string).toBe(at.shared.digest);
        expect(inventory?.manifests.map(({ digest }) => String(digest))).toEqual([
          at.shared.digest,
        ]);
        const before = await target.resolve(APP, OLD);
        expect(before === null || String(before) === at.shared.digest).toBe(true);
        await target.removeTag(APP, OLD);
        expect(await tagsAt(at.registry.url, APP)).toEqual({ [LATEST]: at.shared.digest });
        if (whole) break;
      }
    }
    expect([...states].toSorted()).toEqual(["as it was", "gone", "on a placeholder"]);
  }, 120_000);

  test("that was left on a placeholder is the same where the storage is read as well", async () => {
    await using at = await world();
    for (let cut = 0; (await digestAt(at.registry.url, APP, OLD)) === at.shared.digest; cut++) {
      await crashAt(at, cut, false);
    }
    await using target = openTarget(at.registry.url, { replaceTags: true });
    const both = withTree(target, at.data, { created: false });

    const inventory = await both.inventoryOf(APP);

    expect(inventory?.unreadable).toEqual([]);
    expect(inventory?.tags.map(({ tag, digest }) => [tag, String(digest)])).toEqual([
      [LATEST, at.shared.digest],
      [OLD, at.shared.digest],
    ]);
    await both.removeTag(APP, OLD);
    expect(await tagsAt(at.registry.url, APP)).toEqual({ [LATEST]: at.shared.digest });
  });

  test("that was left on a placeholder goes with its digest when that goes as well", async () => {
    await using at = await world();
    for (let cut = 0; (await digestAt(at.registry.url, APP, OLD)) === at.shared.digest; cut++) {
      await crashAt(at, cut, false);
    }
    expect(await digestAt(at.registry.url, APP, OLD)).not.toBe("");
    await using target = openTarget(at.registry.url, { replaceTags: true });
    const inventory = await target.inventoryOf(APP);
    expect(target.warnings.join()).toContain("interrupted");

    for (const { digest } of inventory?.manifests ?? []) await target.deleteManifest(APP, digest);

    expect(await tagsAt(at.registry.url, APP)).toEqual({});
  });
});

/**
 * Removes the tag, and after `cut` requests reaches the registry no more: the next one is not sent, or
 * (`isLost`) only its answer does not come. True: it came to its end.
 */
async function crashAt(at: World, cut: number, isLost: boolean): Promise<boolean> {
  let count = 0;
  const down = (): Response => new Response("", { status: 500 });
  at.proxy.intercept = () => {
    count++;
    return count > cut + (isLost ? 1 : 0) ? down() : undefined;
  };
  at.proxy.after = () => (isLost && count > cut ? down() : undefined);
  await using target = openTarget(at.proxy.url, { replaceTags: true });
  try {
    await target.removeTag(APP, OLD);
    return true;
  } catch {
    return false;
  }
}
