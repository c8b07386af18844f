import { lutimes, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseDigest } from "../../../src/oci/digest.ts";
import { parseName } from "../../../src/oci/name.ts";
import { parseTag } from "../../../src/oci/reference.ts";
import {
  blobPath,
  layerLink,
  revisionLink,
  tagCurrentLink,
  tagIndexLink,
  tagPath,
} from "../../../src/storage/tree.ts";
import type { Fixture } from "../../support/image.ts";
import type { Blob } from "../../support/oci.ts";
import type { TreeScene } from "./scene.ts";

const DAY = 24 * 3600 * 1000;

/** The files that the distribution registry leaves, written in its order and by nobody. */
export function treeScene(data: string): TreeScene {
  const write = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(dirname(join(data, path)), { recursive: true });
    await writeFile(join(data, path), content);
  };
  const layer = async (repository: string, { descriptor, bytes }: Blob): Promise<void> => {
    const digest = parseDigest(descriptor.digest);
    await write(blobPath(digest), bytes);
    await write(layerLink(parseName(repository), digest), digest);
  };
  const putBare = async (
    repository: string,
    fixture: Fixture,
    ...tags: string[]
  ): Promise<void> => {
    const name = parseName(repository);
    const digest = parseDigest(fixture.digest);
    await write(blobPath(digest), fixture.bytes);
    await write(revisionLink(name, digest), digest);
    for (const tag of tags.map(parseTag)) {
      await write(tagIndexLink(name, tag, digest), digest);
      await write(tagCurrentLink(name, tag), digest);
    }
  };
  const putAlone: TreeScene["putAlone"] = async (repository, fixture, ...tags) => {
    for (const blob of fixture.blobs) await layer(repository, blob);
    await putBare(repository, fixture, ...tags);
  };
  const put: TreeScene["put"] = async (repository, fixture, ...tags) => {
    for (const child of fixture.children) await put(repository, child);
    await putAlone(repository, fixture, ...tags);
  };
  const remove = async (path: string): Promise<void> => {
    await rm(join(data, path), { recursive: true, force: true });
  };
  return {
    data,
    write,
    remove,
    layer,
    put,
    putAlone,
    putBare,
    untag: (repository, tag) => remove(tagPath(parseName(repository), parseTag(tag))),
    age: () => setTimes(join(data, "docker"), new Date(Date.now() - 30 * DAY)),
  };
}

/** Gives a folder and all that is in it a time; what links lead to keeps its own. */
export async function setTimes(path: string, time: Date): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  for (const entry of entries) await lutimes(join(entry.parentPath, entry.name), time, time);
  await lutimes(path, time, time);
}
