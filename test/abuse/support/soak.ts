import { image, type Fixture, type Layer } from "../../support/image.ts";
import { residentMemory } from "../../support/linux.ts";
import { blob, mediaTypes, randomBytes } from "../../support/oci.ts";
import { withDigest } from "../../support/push.ts";
import { ask } from "../../protocol/support/http.ts";
import { digest, startUpload } from "../../protocol/support/content.ts";
import { chunk, connectRaw, rawRequest } from "../../protocol/support/raw.ts";
import { Random } from "../../support/random.ts";

export interface SoakReport {
  /** How often each kind of work was done. */
  readonly done: Readonly<Record<string, number>>;
  /** Megabytes resident, one a second. */
  readonly memory: readonly number[];
}

const CLIENTS = 8;
const REPOSITORIES = 8;
const TAGS = 20;
const LAYERS = 150;
/** No more than these: bytes are only freed by a collection, and the disk is not what is tried here. */
const IMAGES = 400;

/** Pushes, pulls, deletes and aborts at random. Throws when an answer is none that there can be. */
export async function soak(
  { url, pid }: { url: string; pid: number },
  duration: number,
  seed: number,
): Promise<SoakReport> {
  const port = Number(new URL(url).port);
  const sizes = new Random(seed);
  const layers = Array.from({ length: LAYERS }, (): Layer => {
    const size = sizes.chance(0.03) ? 3_000_000 : 100 + sizes.below(60_000);
    const made = blob(mediaTypes.layer, randomBytes(size));
    return { ...made, diffId: made.descriptor.digest };
  });
  const images = Array.from({ length: IMAGES }, () =>
    image({ layers: Array.from({ length: 1 + sizes.below(4) }, () => sizes.pick(layers)) }),
  );
  const done: Record<string, number> = {};
  const unfinished: string[] = [];
  const deadline = performance.now() + duration;

  const expectOne = (what: string, status: number | null | undefined, of: readonly number[]) => {
    if (!of.includes(status ?? 0)) throw new Error(`${what} was answered ${status}`);
  };

  const client = async (number: number): Promise<void> => {
    const random = new Random(seed * 31 + number);
    const name = () => `soak/r${random.below(REPOSITORIES)}`;
    const tag = () => `t${random.below(TAGS)}`;
    const made = (): Fixture => random.pick(images);
    const works: Readonly<Record<string, () => Promise<unknown>>> = {
      push: async () => {
        // Between its blobs and its manifest somebody else may delete one of them.
        await made()
          .push(url, name(), tag())
          .catch((error: unknown) => {
            if (!String(error).includes("MANIFEST_BLOB_UNKNOWN")) throw error;
          });
      },
      pull: async () => {
        const path = `${url}/v2/${name()}`;
        const got = await ask("GET", `${path}/manifests/${tag()}`);
        expectOne("a pull", got.status, [200, 404]);
        if (got.status !== 200) return;
        const parts = JSON.parse(got.text) as { layers: { digest: string }[] };
        for (const layer of parts.layers) {
          const bytes = await ask("GET", `${path}/blobs/${layer.digest}`);
          // The image may have been deleted meanwhile, and then its blobs.
          expectOne("a layer", bytes.status, [200, 404]);
          if (bytes.status === 200 && digest(bytes.bytes) !== layer.digest) {
            throw new Error(`${layer.digest} was served with other bytes`);
          }
        }
      },
      list: async () => {
        for (const path of [
          `/v2/${name()}/tags/list?n=5`,
          "/v2/_catalog",
          `/api/v1/tags/${name()}`,
        ]) {
          expectOne(path, (await ask("GET", url + path)).status, [200, 404]);
        }
      },
      deleteTag: async () => {
        const { status } = await ask("DELETE", `${url}/v2/${name()}/manifests/${tag()}`);
        expectOne("deleting a tag", status, [202, 404]);
      },
      deleteImage: async () => {
        const path = `${url}/v2/${name()}/manifests`;
        const found = await ask("HEAD", `${path}/${tag()}`);
        const of = found.headers.get("docker-content-digest");
        if (of === null) return;
        expectOne("deleting", (await ask("DELETE", `${path}/${of}`)).status, [202, 404]);
      },
      deleteBlob: async () => {
        const path = `${url}/v2/${name()}/blobs/${random.pick(layers).descriptor.digest}`;
        expectOne("deleting a blob", (await ask("DELETE", path)).status, [202, 404, 405]);
      },
      abortPush: async () => {
        const session = await startUpload(url, name());
        unfinished.push(session);
        using connection = await connectRaw(port);
        const { pathname } = new URL(session);
        const headers = random.chance(0.5)
          ? ["Transfer-Encoding: chunked"]
          : ["Content-Length: 1000000"];
        await connection.send(rawRequest("PATCH", pathname, { headers }));
        const bytes = random.pick(layers).bytes.slice(0, 200_000);
        await connection.send(headers[0]?.startsWith("T") ? chunk(bytes) : bytes);
        await Bun.sleep(random.below(20));
        connection.hangUp(random.chance(0.5) ? "reset" : "fin");
      },
      resume: async () => {
        const session = unfinished.splice(random.below(unfinished.length), 1)[0];
        if (session === undefined) return;
        const wrong = random.chance(0.5);
        const ended = wrong
          ? await ask("PUT", withDigest(session, digest("x")))
          : await ask("DELETE", session);
        expectOne("ending an upload", ended.status, wrong ? [400] : [204]);
      },
      abortPull: async () => {
        using connection = await connectRaw(port);
        const { descriptor } = random.pick(layers);
        const path = `/v2/${name()}/blobs/${descriptor.digest}`;
        await connection.send(rawRequest("GET", path));
        await Bun.sleep(random.below(10));
        connection.hangUp(random.chance(0.5) ? "reset" : "fin");
      },
      refused: async () => {
        const path = `${url}/v2/${name()}/manifests/${tag()}`;
        const headers = { "content-type": mediaTypes.image };
        expectOne("nonsense", (await ask("PUT", path, { headers, body: "{" })).status, [400]);
      },
    };
    const kinds = Object.keys(works);
    while (performance.now() < deadline) {
      const kind = random.chance(0.4) ? "push" : random.pick(kinds);
      await works[kind]?.();
      done[kind] = (done[kind] ?? 0) + 1;
    }
  };

  const memory: number[] = [];
  const watch = async (): Promise<void> => {
    while (performance.now() < deadline) {
      memory.push(await residentMemory(pid));
      await Bun.sleep(1000);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: CLIENTS }, (_, number) => client(number))]);
  // Who lost a connection may come back for a week; these do so now.
  for (const session of unfinished) await ask("DELETE", session);
  return { done, memory };
}

/** Megabytes a minute, by least squares, of values that come once a second. Pure. */
export function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const above = values.reduce((sum, value, at) => sum + (at - middle) * (value - mean), 0);
  const below = values.reduce((sum, _, at) => sum + (at - middle) ** 2, 0);
  return below === 0 ? 0 : (above / below) * 60;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
