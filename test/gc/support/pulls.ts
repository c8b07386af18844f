import { expect } from "bun:test";
import { algorithmOf, digestOf, parseDigest } from "../../../src/oci/digest.ts";
import type { Fixture } from "../../support/image.ts";
import type { Live } from "./scene.ts";

/** Every live image is pulled, with all it needs, byte for byte; only what it lacked before is not asked for. */
export async function expectPulled(url: string, all: readonly Live[]): Promise<void> {
  const found: string[] = [];
  for (const one of all) {
    const { repository, fixture, tags } = one;
    const lacks = new Set(one.lacks);
    for (const tag of lacks.has(fixture.digest) ? [] : tags) {
      found.push(...(await wrong(`${url}/v2/${repository}/manifests/${tag}`, fixture.digest)));
    }
    found.push(...(await notPulled(`${url}/v2/${repository}`, fixture, lacks)));
  }
  expect(found).toEqual([]);
}

async function notPulled(
  repository: string,
  fixture: Fixture,
  lacks: ReadonlySet<string>,
): Promise<string[]> {
  const { digest, blobs, children } = fixture;
  const wanted = [
    [`manifests/${digest}`, digest],
    ...blobs.map(({ descriptor }) => [`blobs/${descriptor.digest}`, descriptor.digest]),
  ] as const;
  const found: string[] = [];
  for (const [path = "", one = ""] of wanted) {
    if (!lacks.has(one)) found.push(...(await wrong(`${repository}/${path}`, one)));
  }
  for (const child of children) {
    if (!lacks.has(child.digest)) found.push(...(await notPulled(repository, child, lacks)));
  }
  return found;
}

/** With any media type: what is asked for is the bytes. */
async function wrong(url: string, expected: string): Promise<string[]> {
  const digest = parseDigest(expected);
  const response = await fetch(url, { headers: { accept: "*/*" } });
  const bytes = await response.bytes();
  if (response.status === 200 && digestOf(bytes, algorithmOf(digest)) === digest) return [];
  return [`${url} is answered ${response.status} with ${bytes.length} bytes`];
}
