import { localRegistry } from "./local-registry.ts";
import { temporaryFolder } from "./folder.ts";
import { startDockerRegistry } from "./server.ts";
import { fill } from "./stand-ins/fill.ts";
import { KINDS, type KindName } from "./stand-ins/differences.ts";
import type { Project } from "./stand-ins/harbor.ts";
import { type StandIn, startStandIn } from "./stand-ins/stand-in.ts";
import type { User } from "./stand-ins/users.ts";
import type { PruneWorld } from "./pruned-images.ts";

/** A registry with the images of a world, to be pruned and looked at. */
export interface PrunedRegistry extends AsyncDisposable {
  /** An entry of `registries:`. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** The tags of a repository, and what they name. */
  tags(repository: string): Promise<Readonly<Record<string, string>>>;
  hasManifest(repository: string, digest: string): Promise<boolean>;
  hasBlob(repository: string, digest: string): Promise<boolean>;
  /** A stand-in of zot: its users have the right `detectManifestCollision` from now on. */
  meetCollisions?(): void;
  /** A stand-in. */
  readonly standIn?: StandIn;
}

const ADMIN: User = { name: "admin", password: "Harbor12345", admin: true };

/** `project`: of the project `app` in a Harbor. */
export async function standInWith(
  kind: KindName,
  world: PruneWorld,
  project: Partial<Project> = {},
): Promise<PrunedRegistry> {
  const standIn = startStandIn(kind, { users: KINDS[kind].login === "none" ? [] : [ADMIN] });
  standIn.harbor?.addProject("app", project);
  for (const [place, image] of world.images) {
    const [repository = "", tag = ""] = place.split(/[:@]/);
    fill(standIn.content, repository, image, ...(tag === "" ? [] : [tag]));
  }
  return await Promise.resolve({
    entry: { name: kind, url: standIn.url, username: ADMIN.name, password: ADMIN.password },
    async tags(name) {
      const tags = standIn.content.find(name)?.tags ?? new Map<string, { digest: string }>();
      return await Promise.resolve(
        Object.fromEntries([...tags].map(([tag, { digest }]) => [tag, digest])),
      );
    },
    hasManifest: async (name, digest) =>
      await Promise.resolve(standIn.content.find(name)?.manifests.has(digest) ?? false),
    hasBlob: async (_, digest) => await Promise.resolve(standIn.content.blobs.has(digest)),
    standIn,
    meetCollisions() {
      standIn.content.detectsCollisions = true;
    },
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  });
}

export async function oursWith(world: PruneWorld): Promise<PrunedRegistry> {
  return await realWith("ours", await localRegistry(), world);
}

export async function dockerRegistryWith(world: PruneWorld): Promise<PrunedRegistry> {
  const folder = await temporaryFolder();
  const server = await startDockerRegistry(folder.at("data"));
  return await realWith(
    "docker-registry",
    {
      url: server.url,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    },
    world,
  );
}

const ACCEPT =
  "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

async function realWith(
  name: string,
  { url, ...server }: AsyncDisposable & { readonly url: string },
  world: PruneWorld,
): Promise<PrunedRegistry> {
  for (const [place, image] of world.images) {
    const [repository = "", tag = ""] = place.split(/[:@]/);
    await image.push(url, repository, ...(tag === "" ? [] : [tag]));
  }
  const head = async (path: string): Promise<Response> =>
    await fetch(url + path, { method: "HEAD", headers: { accept: ACCEPT } });
  const digestOf = async (repository: string, tag: string): Promise<string> =>
    (await head(`/v2/${repository}/manifests/${tag}`)).headers.get("docker-content-digest") ?? "";
  return {
    entry: { name, url },
    async tags(repository) {
      const answer = await fetch(`${url}/v2/${repository}/tags/list`);
      const { tags } = (await answer.json()) as { tags: string[] | null };
      const found = (tags ?? []).map(async (tag) => [tag, await digestOf(repository, tag)]);
      return Object.fromEntries(await Promise.all(found)) as Record<string, string>;
    },
    hasManifest: async (repository, digest) =>
      (await head(`/v2/${repository}/manifests/${digest}`)).status === 200,
    hasBlob: async (repository, digest) =>
      (await head(`/v2/${repository}/blobs/${digest}`)).status === 200,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
