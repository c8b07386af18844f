import { expect } from "bun:test";
import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { parseDigest } from "../../../src/oci/digest.ts";
import { parseName } from "../../../src/oci/name.ts";
import { parseTag } from "../../../src/oci/reference.ts";
import {
  BLOBS,
  TREE,
  blobPath,
  layerLink,
  repositoryPath,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
} from "../../../src/storage/tree.ts";
import type { Fixture } from "../../support/image.ts";
import type { Expected, Live } from "./scene.ts";

/** The files of the tree, as paths from the data folder. Symbolic links below its top are not followed. */
export async function treeFiles(data: string): Promise<string[]> {
  const top = await realpath(join(data, TREE)).catch(() => null);
  const outside = (await below(join(data, "docker"))).map((path) => `docker/${path}`);
  const inside = top === null ? [] : (await below(top)).map((path) => `${TREE}/${path}`);
  return [...new Set([...outside, ...inside])].toSorted();
}

async function below(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isFile()) return [entry.name];
      if (!entry.isDirectory()) return [];
      return (await below(join(folder, entry.name))).map((path) => `${entry.name}/${path}`);
    }),
  );
  return found.flat();
}

/** What is to be left of these files: of live images theirs, of repositories kept whole all. */
export function expectedFiles(before: readonly string[], expected: Expected): string[] {
  const files = new Set(expected.live.flatMap(filesOf));
  for (const { repository, blobs } of expected.whole ?? []) {
    const own = `${repositoryPath(parseName(repository))}/_`;
    for (const path of before) if (path.startsWith(own)) files.add(path);
    for (const data of blobs.map((digest) => blobPath(parseDigest(digest)))) {
      // Also what is in a folder that stands in its place.
      const inside = before.filter((path) => path.startsWith(`${data}/`));
      for (const path of inside.length > 0 ? inside : [data]) files.add(path);
    }
  }
  for (const path of expected.stays ?? []) {
    for (const one of before) if (one === path || one.startsWith(`${path}/`)) files.add(one);
  }
  return [...files].toSorted();
}

/**
 * Nothing more, and nothing less; only where something hides what may be named, bytes may be left.
 * What differs is all that is shown: a failure is read by people.
 */
export function expectSame(
  found: readonly string[],
  wanted: readonly string[],
  { hides = false }: Pick<Expected, "hides"> = {},
): void {
  const missing = wanted.filter((path) => !found.includes(path));
  const left = found.filter((path) => !wanted.includes(path) && !(hides && path.startsWith(BLOBS)));
  expect({ missing, left }).toEqual({ missing: [], left: [] });
}

function filesOf({ repository, fixture, tags, lacks = [] }: Live): string[] {
  const name = parseName(repository);
  const of = (one: Fixture): string[] => {
    const manifest = parseDigest(one.digest);
    const own = lacks.includes(one.digest)
      ? []
      : [blobPath(manifest), revisionLink(name, manifest)];
    const blobs = one.blobs
      .map(({ descriptor }) => parseDigest(descriptor.digest))
      .filter((digest) => !lacks.includes(digest));
    return [
      ...own,
      ...blobs.flatMap((digest) => [blobPath(digest), layerLink(name, digest)]),
      ...one.children.flatMap(of),
    ];
  };
  const digest = parseDigest(fixture.digest);
  const links = tags
    .map(parseTag)
    .flatMap((tag) => [tagCurrentLink(name, tag), tagIndexLink(name, tag, digest)]);
  return [...of(fixture), ...links];
}
