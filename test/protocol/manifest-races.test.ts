import { describe, expect, test } from "bun:test";
import { image, index } from "../support/image.ts";
import { mediaTypes } from "../support/oci.ts";
import {
  digest,
  emptyConfig,
  fresh,
  indexText,
  manifestText,
  pushBytes,
  putManifest,
} from "./support/content.ts";
import { expectAlive } from "./support/refused.ts";
import { freshName, sharedRegistry } from "./support/registry.ts";

const registry = sharedRegistry();

async function repository(): Promise<string> {
  const name = freshName("races");
  await pushBytes(registry.url, name, emptyConfig.bytes);
  return name;
}

/** What an index entry says of a manifest with this text. */
const entry = (text: string, mediaType: string = mediaTypes.image) => ({
  mediaType,
  digest: digest(text),
  size: text.length,
});

describe("at once", () => {
  test("a hundred PUTs of one tag leave one of them, whole, and all by their digests", async () => {
    const name = await repository();
    const texts = Array.from({ length: 100 }, (_, at) =>
      manifestText({ annotations: { at: String(at) } }),
    );
    const put = await Promise.all(texts.map((text) => putManifest(registry.url, name, "v1", text)));
    expect(put.map(({ status }) => status)).toEqual(texts.map(() => 201));

    const got = await registry.ask("GET", `/v2/${name}/manifests/v1`);
    expect(texts).toContain(got.text);
    expect(got.headers.get("docker-content-digest")).toBe(digest(got.text));
    for (const text of texts) {
      expect((await registry.ask("GET", `/v2/${name}/manifests/${digest(text)}`)).text).toBe(text);
    }
  });

  test("a hundred PUTs of the same manifest under a hundred tags make them all", async () => {
    const name = await repository();
    const text = manifestText();
    await Promise.all(
      Array.from({ length: 100 }, (_, at) => putManifest(registry.url, name, `t${at}`, text)),
    );
    expect((await registry.ask("GET", `/v2/${name}/tags/list`)).json().tags).toHaveLength(100);
  });

  test("a read never sees a tag between two manifests, nor an older one than it saw before", async () => {
    const name = await repository();
    const texts = Array.from({ length: 60 }, (_, at) =>
      manifestText({ annotations: { at: String(at) } }),
    );
    await putManifest(registry.url, name, "v1", texts[0]!);
    let writing = true;
    const reader = async (): Promise<number[]> => {
      const seen: number[] = [];
      while (writing) {
        const got = await registry.ask("GET", `/v2/${name}/manifests/v1`);
        expect(got.status).toBe(200);
        seen.push(texts.indexOf(got.text));
      }
      return seen;
    };
    const readers = [reader(), reader(), reader()];
    for (const text of texts) await putManifest(registry.url, name, "v1", text);
    writing = false;
    for (const seen of await Promise.all(readers))
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test("PUT and DELETE of a tag leave it whole or gone", async () => {
    const name = await repository();
    for (let round = 0; round < 30; round++) {
      const text = manifestText({ annotations: { round: String(round) } });
      const [put, removed] = await Promise.all([
        putManifest(registry.url, name, "v1", text),
        registry.ask("DELETE", `/v2/${name}/manifests/v1`),
      ]);
      expect([put.status, [202, 404].includes(removed.status)]).toEqual([201, true]);
      const got = await registry.ask("GET", `/v2/${name}/manifests/v1`);
      if (got.status === 200) expect(got.text).toBe(text);
      else expect(got.status).toBe(404);
      expect((await registry.ask("GET", `/v2/${name}/manifests/${digest(text)}`)).text).toBe(text);
    }
  });

  test("PUT of a manifest and DELETE of its layer never leave the one without the other", async () => {
    const name = await repository();
    const outcomes = new Set<string>();
    for (let round = 0; round < 40; round++) {
      const { bytes, descriptor } = fresh();
      await pushBytes(registry.url, name, bytes);
      const both = [
        () => putManifest(registry.url, name, "v1", manifestText({ layers: [descriptor] })),
        () => registry.ask("DELETE", `/v2/${name}/blobs/${descriptor.digest}`),
      ];
      // Whoever is asked first is not always served first, but both orders shall come up.
      const answers = await Promise.all(
        (round % 2 ? both : both.toReversed()).map((send) => send()),
      );
      const [put, removed] = round % 2 ? answers : answers.toReversed();
      outcomes.add(`${put!.status} ${removed!.status}`);
      const there = (await registry.ask("HEAD", `/v2/${name}/blobs/${descriptor.digest}`)).status;
      expect(there).toBe(put!.status === 201 ? 200 : 404);
    }
    for (const outcome of outcomes) expect(["201 405", "400 202"]).toContain(outcome);
  });

  test("PUT of an index and DELETE of its child never leave the one without the other", async () => {
    const name = await repository();
    for (let round = 0; round < 40; round++) {
      const child = manifestText({ annotations: { round: String(round) } });
      await putManifest(registry.url, name, digest(child), child);
      const parent = indexText([entry(child)]);
      const [put, removed] = await Promise.all([
        putManifest(registry.url, name, "v1", parent, mediaTypes.index),
        registry.ask("DELETE", `/v2/${name}/manifests/${digest(child)}`),
      ]);
      expect(["201 405", "400 202"]).toContain(`${put.status} ${removed.status}`);
      const there = (await registry.ask("HEAD", `/v2/${name}/manifests/${digest(child)}`)).status;
      expect(there).toBe(put.status === 201 ? 200 : 404);
    }
  });

  test("fifty pushes of whole images into one repository and fifty are all complete", async () => {
    const shared = freshName("races");
    const images = Array.from({ length: 50 }, () =>
      index([image({ layers: 2 }), image({ layers: 2 })]),
    );
    await Promise.all(
      images.flatMap((made, at) => [
        made.push(registry.url, shared, `t${at}`),
        made.push(registry.url, `races/own${at}`, "v1"),
      ]),
    );
    for (const [at, made] of images.entries()) {
      for (const path of [`${shared}/manifests/t${at}`, `races/own${at}/manifests/v1`]) {
        expect(
          (await registry.ask("GET", `/v2/${path}`)).headers.get("docker-content-digest"),
        ).toBe(made.digest);
      }
    }
  });
});

describe("documents made to be expensive are handled quickly", () => {
  /** Far more than it takes, and far less than what takes exponential or quadratic time. */
  const QUICK_MS = 10_000;

  /** Does the work while another client goes on asking, and is answered each time. */
  async function quickly(work: () => Promise<unknown>): Promise<void> {
    let working = true;
    const other = (async () => {
      while (working) await expectAlive(registry);
    })();
    const began = performance.now();
    await work();
    expect(performance.now() - began).toBeLessThan(QUICK_MS);
    working = false;
    await other;
  }

  test("a diamond of indexes, 40 levels deep: 2^40 ways lead to its end", async () => {
    const name = await repository();
    const bottom = manifestText();
    await putManifest(registry.url, name, digest(bottom), bottom);
    let below = [entry(bottom)];
    await quickly(async () => {
      for (let level = 0; level < 40; level++) {
        const pair = ["left", "right"].map((side) =>
          indexText(below, { annotations: { side, level: String(level) } }),
        );
        for (const text of pair) {
          expect(
            (await putManifest(registry.url, name, digest(text), text, mediaTypes.index)).status,
          ).toBe(201);
        }
        below = pair.map((text) => entry(text, mediaTypes.index));
      }
      const top = indexText(below);
      expect((await putManifest(registry.url, name, "top", top, mediaTypes.index)).status).toBe(
        201,
      );
      expect((await registry.ask("GET", `/v2/${name}/manifests/top`)).text).toBe(top);
      expect((await registry.ask("GET", `/api/v1/manifests/${name}/top`)).status).toBe(200);
      expect((await registry.ask("DELETE", `/v2/${name}/manifests/${digest(bottom)}`)).status).toBe(
        405,
      );
      expect((await registry.ask("DELETE", `/v2/${name}/manifests/${digest(top)}`)).status).toBe(
        202,
      );
    });
  });

  test("an index that names one child fifty thousand times", async () => {
    const name = await repository();
    const child = manifestText();
    await putManifest(registry.url, name, digest(child), child);
    const text = indexText(Array.from({ length: 50_000 }, () => entry(child)));
    await quickly(async () => {
      expect((await putManifest(registry.url, name, "many", text, mediaTypes.index)).status).toBe(
        201,
      );
      expect((await registry.ask("GET", `/api/v1/manifests/${name}/many`)).status).toBe(200);
      expect((await registry.ask("DELETE", `/v2/${name}/manifests/${digest(text)}`)).status).toBe(
        202,
      );
    });
  });

  test("an image of fifty thousand different layers that are all foreign", async () => {
    const name = await repository();
    const layers = Array.from({ length: 50_000 }, (_, at) => ({
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar",
      digest: `sha256:${at.toString(16).padStart(64, "0")}`,
      size: 1,
    }));
    await quickly(async () => {
      expect((await putManifest(registry.url, name, "v1", manifestText({ layers }))).status).toBe(
        201,
      );
    });
  });

  test.each([
    [10_000, 201],
    [200_000, 400],
  ])("%d annotations", async (count, status) => {
    const name = await repository();
    const pairs = Array.from({ length: count }, (_, at) => `"${at.toString(36)}":""`);
    const text = manifestText().replace("{", `{"annotations":{${pairs.join(",")}},`);
    await quickly(async () => {
      expect((await putManifest(registry.url, name, "v1", text)).status).toBe(status);
    });
  });

  test("eight megabytes of escapes, and of spaces", async () => {
    const name = await repository();
    for (const text of [
      manifestText({ annotations: { a: "PAD" } }).replace(
        "PAD",
        String.raw`\u0061`.repeat(1_300_000),
      ),
      manifestText().replace("{", `{${" ".repeat(8_000_000)}`),
      manifestText().replace(":2,", `:2${"\n".repeat(8_000_000)},`),
    ]) {
      await quickly(async () => {
        expect((await putManifest(registry.url, name, "v1", text)).status).toBe(201);
      });
    }
  });
});
