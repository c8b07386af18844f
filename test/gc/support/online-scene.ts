import type { Wish } from "../../../src/gc/collector-status.ts";
import type { Fixture } from "../../support/image.ts";
import type { Blob } from "../../support/oci.ts";
import { expectStatus, pushBlob } from "../../support/push.ts";
import {
  type TestOptions,
  type TestRegistry,
  startRegistry,
} from "../../protocol/support/registry.ts";
import type { Scene } from "./scene.ts";

const DAY = 24 * 3600 * 1000;

/** Milliseconds; every start waits for so long before it collects. */
const GRACE = 50;

/** A registry of ours with a clock that the test has in hand. */
export interface OnlineScene extends Scene, AsyncDisposable {
  readonly registry: TestRegistry;
  /** Lets the time pass, and collects until nothing is left to do. */
  collect(wish?: Wish): Promise<void>;
  pass(milliseconds: number): void;
}

export async function onlineScene(options: TestOptions = {}): Promise<OnlineScene> {
  let now = Date.now();
  const registry = await startRegistry({
    sparse: true,
    grace: GRACE,
    now: () => now,
    ...options,
    collecting: { untaggedAfter: DAY, ...options.collecting },
  });
  await registry.opened.collecting.compared;
  const layer = async (repository: string, blob: Blob): Promise<void> => {
    await pushBlob(blob, registry.url, repository);
  };
  const putBare: Scene["putBare"] = async (repository, fixture, ...tags) => {
    for (const reference of tags.length === 0 ? [fixture.digest] : tags) {
      await expectStatus(201, `${registry.url}/v2/${repository}/manifests/${reference}`, {
        method: "PUT",
        headers: { "content-type": fixture.mediaType },
        body: fixture.bytes,
      });
    }
  };
  const putAlone: Scene["putAlone"] = async (repository, fixture, ...tags) => {
    for (const blob of fixture.blobs) await layer(repository, blob);
    await putBare(repository, fixture, ...tags);
  };
  const put = async (repository: string, fixture: Fixture, ...tags: string[]): Promise<void> => {
    for (const child of fixture.children) await put(repository, child);
    await putAlone(repository, fixture, ...tags);
  };
  return {
    registry,
    layer,
    put,
    putAlone,
    putBare,
    async untag(repository, tag) {
      const url = `${registry.url}/v2/${repository}/manifests/${tag}`;
      await expectStatus(202, url, { method: "DELETE" });
    },
    age: async () => await Promise.resolve(void (now += 30 * DAY)),
    pass: (milliseconds) => void (now += milliseconds),
    async collect(wish) {
      for (let rounds = 0; ; rounds++) {
        const { outcome, reason, manifests, links, blobs, repositories } =
          await registry.collect(wish);
        if (outcome !== "done") throw new Error(`${outcome}: ${reason}`);
        if (manifests + links + blobs + repositories === 0) break;
        if (rounds > 10) throw new Error("a collection finds no end");
      }
      await registry.opened.collecting.drain();
    },
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}
