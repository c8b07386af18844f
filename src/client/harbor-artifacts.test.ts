import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { image, index } from "../../test/support/image.ts";
import { fill } from "../../test/support/stand-ins/fill.ts";
import { startStandIn } from "../../test/support/stand-ins/stand-in.ts";
import { PRUNING, type User } from "../../test/support/stand-ins/users.ts";
import { type Digest } from "../oci/digest.ts";
import { parseName } from "../oci/name.ts";
import { parseTag } from "../oci/reference.ts";
import { parseAddress } from "./address.ts";
import { type Connection, openConnection } from "./connection.ts";
import {
  deleteHarborArtifact,
  listHarborArtifacts,
  listHarborRepositories,
  removeHarborTag,
  resolveHarborTag,
} from "./harbor-artifacts.ts";

const ADMIN: User = { name: "admin", password: "Harbor12345", admin: true };
const ROBOT: User = {
  name: "robot$app+prune",
  password: "secret",
  projects: [{ project: "app", rights: PRUNING }],
};
const READER: User = {
  name: "robot$reader",
  password: "secret",
  projects: [{ project: "*", rights: PRUNING.filter((right) => !right.endsWith("delete")) }],
};
const NAME = parseName("app/team/web");

function connect(url: string, user: User = ADMIN): Connection {
  const { name: username, password } = user;
  const found = { kind: "password" as const, username, password, from: "the test" };
  return openConnection(parseAddress(url), { credentials: { find: async () => found } });
}

function harbor() {
  const standIn = startStandIn("harbor", { users: [ADMIN, ROBOT, READER] });
  standIn.harbor?.addProject("app", { immutable: ["v*"] });
  standIn.harbor?.addProject("other");
  standIn.harbor?.addProject("public", { open: true });
  return standIn;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(items);
}

describe("repositories", () => {
  test("are those of all projects that the user may see, the public ones included", async () => {
    await using standIn = harbor();
    for (const name of ["app/web", "app/team/web", "other/db", "public/base"]) {
      fill(standIn.content, name, image(), "1");
    }
    expect((await collect(listHarborRepositories(connect(standIn.url)))).toSorted()).toEqual(
      ["app/team/web", "app/web", "other/db", "public/base"].map(parseName),
    );
    const robot = await collect(listHarborRepositories(connect(standIn.url, ROBOT)));
    expect(robot.toSorted()).toEqual(["app/team/web", "app/web", "public/base"].map(parseName));
  });

  test("a project that may not be listed is an error, not an empty one", async () => {
    const pusher = { ...ROBOT, projects: [{ project: "app", rights: ["repository:push"] }] };
    await using standIn = startStandIn("harbor", { users: [pusher] });
    standIn.harbor?.addProject("app");
    const error = await failureOf(collect(listHarborRepositories(connect(standIn.url, pusher))));
    expect(error.kind).toBe("CREDENTIALS");
    expect(error.message).toContain("app");
  });

  test("a name that is none is an error: it would go into a path", async () => {
    await using registry = fakeRegistry(() => Response.json([{ name: "../users" }]));
    const error = await failureOf(collect(listHarborRepositories(connect(registry.url))));
    expect(error.kind).toBe("REMOTE");
  });
});

describe("artifacts", () => {
  test("come with tags, times, children and accessories, those below an index too", async () => {
    await using standIn = harbor();
    const { content } = standIn;
    const children = [image(), image()];
    const list = index(children);
    const signature = image({
      subject: list.descriptor,
      artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
    });
    content.now = Date.UTC(2026, 0, 2);
    fill(content, NAME, list, "v1", "edge");
    content.now = Date.UTC(2026, 0, 3);
    fill(content, NAME, signature);
    fill(content, NAME, image());
    content.now = null;
    const found = await listHarborArtifacts(connect(standIn.url), NAME);
    expect(found).toHaveLength(4);
    const one = found?.find(({ digest }) => digest === list.digest);
    expect(one).toMatchObject({
      mediaType: list.mediaType,
      pushedAt: Date.UTC(2026, 0, 2),
      pulledAt: null,
      tags: [
        { tag: "edge", pushedAt: Date.UTC(2026, 0, 2), immutable: false },
        { tag: "v1", pushedAt: Date.UTC(2026, 0, 2), immutable: true },
      ],
      accessories: [
        { digest: signature.digest, type: "subject.accessory", createdAt: Date.UTC(2026, 0, 3) },
      ],
    });
    expect(one?.children.toSorted()).toEqual(
      children.map(({ digest }) => digest as Digest).toSorted(),
    );
    expect(one?.size).toBeGreaterThan(2000);
    expect(found?.find(({ digest }) => digest === children[0]?.digest)?.createdAt).toBeGreaterThan(
      0,
    );
  });

  test("are all there when there are many", async () => {
    await using standIn = harbor();
    for (let n = 0; n < 250; n++) fill(standIn.content, NAME, image({ size: 10 }), `t${n}`);
    expect(await listHarborArtifacts(connect(standIn.url), NAME)).toHaveLength(250);
  });

  test("a repository that is not there is null, an empty one has none", async () => {
    await using standIn = harbor();
    const { content } = standIn;
    expect(await listHarborArtifacts(connect(standIn.url), NAME)).toBeNull();
    fill(content, NAME, image(), "1");
    content.find(NAME)?.manifests.clear();
    expect(await listHarborArtifacts(connect(standIn.url), NAME)).toEqual([]);
  });

  test("an artifact that has lost its tags on the way does not become untagged", async () => {
    const artifact = {
      digest: image().digest,
      manifest_media_type: "application/vnd.oci.image.manifest.v1+json",
      tags: null,
    };
    await using registry = fakeRegistry(({ path }) =>
      path.includes("tags%3Dnil")
        ? Response.json([], { headers: { "x-total-count": "0" } })
        : Response.json([artifact], { headers: { "x-total-count": "1" } }),
    );
    const error = await failureOf(listHarborArtifacts(connect(registry.url), NAME));
    expect(error.message).toContain("lists 1 artifacts without tags, and counts 0");
  });

  test("a path that Harbor does not know says nothing of images", async () => {
    // As when a proxy on the way has decoded the slash in the name.
    await using registry = fakeRegistry(({ path }) =>
      ociError(404, "NOT_FOUND", `path ${path} was not found`),
    );
    const connection = connect(registry.url);
    expect((await failureOf(listHarborArtifacts(connection, NAME))).kind).toBe("REMOTE");
    expect((await failureOf(resolveHarborTag(connection, NAME, parseTag("1")))).kind).toBe(
      "REMOTE",
    );
    expect((await failureOf(removeHarborTag(connection, NAME, parseTag("1")))).kind).toBe("REMOTE");
  });

  test("reading them is no pull", async () => {
    await using standIn = harbor();
    fill(standIn.content, NAME, image(), "1");
    const connection = connect(standIn.url);
    await listHarborArtifacts(connection, NAME);
    await resolveHarborTag(connection, NAME, parseTag("1"));
    expect(standIn.content.find(NAME)?.resolve("1")?.pulledAt).toBeNull();
    expect(standIn.heard.filter((line) => line.includes("/v2/"))).toEqual([]);
  });
});

describe("removing", () => {
  test("a tag leaves its artifact and the other tags", async () => {
    await using standIn = harbor();
    const one = image();
    fill(standIn.content, NAME, one, "a", "b");
    const connection = connect(standIn.url, ROBOT);
    await removeHarborTag(connection, NAME, parseTag("a"));
    expect(standIn.content.find(NAME)?.tagNames()).toEqual(["b"]);
    await removeHarborTag(connection, NAME, parseTag("b"));
    expect(standIn.content.find(NAME)?.manifests.has(one.digest)).toBe(true);
    const again = await failureOf(removeHarborTag(connection, NAME, parseTag("b")));
    expect(again.kind).toBe("MANIFEST_UNKNOWN");
  });

  test("an immutable tag, or an artifact that has one, is refused", async () => {
    await using standIn = harbor();
    const one = image();
    fill(standIn.content, NAME, one, "a", "v1");
    const connection = connect(standIn.url);
    const tag = await failureOf(removeHarborTag(connection, NAME, parseTag("v1")));
    expect(tag.kind).toBe("REFUSED");
    expect(tag.message).toContain("immutable");
    const whole = await failureOf(deleteHarborArtifact(connection, NAME, one.digest as Digest));
    expect(whole.kind).toBe("REFUSED");
    expect(standIn.content.find(NAME)?.tagNames()).toEqual(["a", "v1"]);
  });

  test("an index takes its children along, but not those that others need", async () => {
    await using standIn = harbor();
    const [own, tagged, shared] = [image(), image(), image()] as const;
    const first = index([own, tagged, shared]);
    fill(standIn.content, NAME, first, "1");
    fill(standIn.content, NAME, tagged, "kept");
    fill(standIn.content, NAME, index([shared]), "2");
    const connection = connect(standIn.url, ROBOT);
    const child = await failureOf(deleteHarborArtifact(connection, NAME, own.digest as Digest));
    expect(child.kind).toBe("REFUSED");
    await deleteHarborArtifact(connection, NAME, first.digest as Digest);
    const manifests = standIn.content.find(NAME)?.manifests;
    expect([own, tagged, shared].map(({ digest }) => manifests?.has(digest))).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("needs the right to it", async () => {
    await using standIn = harbor();
    const one = image();
    fill(standIn.content, NAME, one, "a");
    const connection = connect(standIn.url, READER);
    expect(await listHarborArtifacts(connection, NAME)).toHaveLength(1);
    for (const work of [
      removeHarborTag(connection, NAME, parseTag("a")),
      deleteHarborArtifact(connection, NAME, one.digest as Digest),
    ]) {
      expect((await failureOf(work)).kind).toBe("CREDENTIALS");
    }
    expect(standIn.content.find(NAME)?.tagNames()).toEqual(["a"]);
  });
});
