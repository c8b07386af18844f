import type { Metadata } from "../../src/metadata/metadata.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { parseName } from "../../src/oci/name.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { type Fixture, image, index } from "./image.ts";
import { fileLayer } from "./layout.ts";
import { mediaTypes } from "./oci.ts";
import { tagsOf } from "./pull.ts";
import { expectStatus } from "./push.ts";

const ALL = { last: null, limit: 1000 };

/** What was pushed, and what is not there any more. */
export interface Pushed {
  readonly tags: Readonly<Record<string, Readonly<Record<string, Fixture>>>>;
  readonly signature: Fixture;
  readonly deleted: Fixture;
}

/** Fills a registry as people do: platforms, both formats, tags that move, deletes, mounts, signatures. */
export async function fill(url: string): Promise<Pushed> {
  const platforms = ["amd64", "arm64"].map((architecture) =>
    image({ layers: 2, platform: { os: "linux", architecture } }),
  );
  const all = index(platforms);
  const shared = await fileLayer({ "etc/hostname": "shared" });
  const first = image({ layers: [shared] });
  const helper = image({ layers: [shared], annotations: { note: "shares a layer" } });
  const [second, deleted] = [image({ layers: 3 }), image()];
  const docker = index([image({ dockerSchema2: true })], { dockerSchema2: true });
  const signature = image({ artifactType: "application/x.signature", subject: all.descriptor });
  await all.push(url, "team/app", "v1", "latest");
  await first.push(url, "team/app", "moved", "first");
  await second.push(url, "team/app", "moved");
  await deleted.push(url, "team/app", "deleted");
  await signature.push(url, "team/app");
  await docker.push(url, "team/app/docker", "v1");
  await first.push(url, "team", "x");
  await helper.push(url, "deep/er/still", "x");
  const manifest = `${url}/v2/team/app/manifests/${deleted.digest}`;
  await expectStatus(202, manifest, { method: "DELETE" });
  // Begun and never finished: this is no repository.
  await expectStatus(202, `${url}/v2/never/finished/blobs/uploads/`, { method: "POST" });
  return {
    signature,
    deleted,
    tags: {
      "deep/er/still": { x: helper },
      team: { x: first },
      "team/app": { first, latest: all, moved: second, v1: all },
      "team/app/docker": { v1: docker },
    },
  };
}

/** What a registry says about a repository, over its API or from the metadata, in one form. */
export interface Answers {
  tags(name: string): Promise<string[]>;
  manifest(name: string, reference: string): Promise<{ mediaType: string; bytes: string } | null>;
  blobSize(name: string, digest: string): Promise<number | null>;
}

export function overApi(url: string): Answers {
  const accept = Object.values(mediaTypes).join(", ");
  return {
    tags: (name) => tagsOf(url, name),
    async manifest(name, reference) {
      const path = `${url}/v2/${name}/manifests/${reference}`;
      const response = await fetch(path, { headers: { accept } });
      const bytes = await response.text();
      if (response.status !== 200) return null;
      return { mediaType: response.headers.get("content-type") ?? "", bytes };
    },
    async blobSize(name, digest) {
      const response = await fetch(`${url}/v2/${name}/blobs/${digest}`, { method: "HEAD" });
      return response.status === 200 ? Number(response.headers.get("content-length")) : null;
    },
  };
}

export function fromMetadata(metadata: Metadata): Answers {
  return {
    async tags(name) {
      return ((await metadata.listTags(parseName(name), ALL)) ?? []).map(({ tag }) => tag);
    },
    async manifest(name, reference) {
      const found = await metadata.findManifest(parseName(name), parseReference(reference));
      return found && { mediaType: found.mediaType, bytes: Buffer.from(found.bytes).toString() };
    },
    async blobSize(name, digest) {
      return (await metadata.findBlob(parseName(name), parseDigest(digest)))?.size ?? null;
    },
  };
}

/** What to ask about. */
export interface Subjects {
  readonly repositories: readonly string[];
  readonly manifests: readonly string[];
  readonly blobs: readonly string[];
}

/** All that was pushed anywhere: it is asked for everywhere. */
export function subjectsOf(pushed: Pushed): Subjects {
  const roots = [pushed.signature, pushed.deleted];
  for (const tags of Object.values(pushed.tags)) roots.push(...Object.values(tags));
  const fixtures = [...new Set(roots.flatMap((root) => [root, ...root.children]))];
  return {
    repositories: Object.keys(pushed.tags),
    manifests: fixtures.map(({ digest }) => digest),
    blobs: [...new Set(fixtures.flatMap(({ blobs }) => blobs.map((one) => one.descriptor.digest)))],
  };
}

/** Every answer that a client could ask for. */
export async function allAnswers(
  { repositories, manifests, blobs }: Subjects,
  answers: Answers,
): Promise<Record<string, unknown>> {
  const given: Record<string, unknown> = {};
  for (const name of repositories) {
    const tags = await answers.tags(name);
    given[`${name} tags`] = tags;
    for (const reference of [...tags, ...manifests]) {
      given[`${name} ${reference}`] = await answers.manifest(name, reference);
    }
    for (const digest of blobs) given[`${name} ${digest}`] = await answers.blobSize(name, digest);
  }
  return given;
}
