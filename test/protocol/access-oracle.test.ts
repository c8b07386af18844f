import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Seed, type TestGate, as, seed, shown, testGate } from "./support/access.ts";
import { MATRIX, NOTHING, type MatrixRequest } from "./support/access-matrix.ts";
import { unknownDigest } from "./support/content.ts";
import type { Answer } from "./support/http.ts";
import { type TestRegistry, startRegistry } from "./support/registry.ts";

/** What somebody may not see does not exist for him: status, headers and body say nothing else. */
setDefaultTimeout(60_000);

const rules = [
  { repositories: ["**"], users: ["all"], groups: [], allow: ["pull", "push", "delete"] as const },
  {
    repositories: ["mine/**"],
    users: ["ann"],
    groups: [],
    allow: ["pull", "push", "delete"] as const,
  },
  { repositories: ["**"], users: ["dropper"], groups: [], allow: ["push"] as const },
];
const HERE = "secret/here";
const GONE = "secret/gone";

let gate: TestGate;
let registry: TestRegistry;
let content: Seed;
beforeAll(async () => {
  gate = await testGate(["all", "ann", "dropper", "stranger"], { rules });
  registry = await startRegistry({ gate });
  content = await seed(registry, HERE, "all");
});
afterAll(async () => await registry[Symbol.asyncDispose]());

async function ask({ method, path, asked }: MatrixRequest, user: string | null): Promise<Answer> {
  const headers = { ...asked?.headers, ...as(user) };
  return await registry.ask(method, path, { ...asked, headers });
}

/** The answers about both repositories, asked for the same things. */
async function pair(entry: (typeof MATRIX)[number], user: string | null) {
  const here = await ask(entry.request(HERE, content), user);
  const gone = await ask(entry.request(GONE, content), user);
  return [shown(here, HERE), shown(gone, GONE)] as const;
}

const CLOSED = MATRIX.filter(({ route }) => route.includes("{name}"));

describe.each([null, "stranger", "ann"])("for %p a private repository", (user) => {
  test.each(CLOSED)("is one that is not there: $route", async (entry) => {
    const [here, gone] = await pair(entry, user);
    expect(here).toEqual(gone);
  });
});

test("the oracle can fail: for one who may, the answers differ", async () => {
  const [read] = CLOSED;
  const [here, gone] = await pair(read!, "all");
  expect(here).not.toEqual(gone);
});

describe("what a stranger hears", () => {
  const reads = CLOSED.filter(({ needs }) => needs === "pull" || needs === "delete");

  test.each(reads)(
    "is what one hears who may, of a repository that is not there: $route",
    async (entry) => {
      const denied = await ask(entry.request(HERE, content), "stranger");
      const absent = await ask(entry.request(GONE, NOTHING), "all");
      const known = Object.values(content).map((value) => value.replace(/^.*\/uploads\//, ""));
      const nothing = Object.values(NOTHING).map((value) => value.replace(/^.*\/uploads\//, ""));
      expect(shown(denied, HERE, ...known)).toEqual(shown(absent, GONE, ...nothing));
    },
  );

  test.each([
    ["GET", "/v2/SECRET/manifests/-bad", 400],
    ["GET", "/v2/SECRET/blobs/sha256:short", 400],
    ["GET", "/v2/SECRET/tags/list?n=x", 400],
    ["GET", "/v2/SECRET/tags/list?n=0", 404],
    ["GET", "/v2/SECRET/referrers/sha256:short", 400],
    ["DELETE", "/v2/SECRET/manifests/-bad", 400],
  ])("of a bad request is the same as everywhere: %s %s", async (method, path, status) => {
    const here = await ask({ method, path: path.replace("SECRET", HERE) }, "stranger");
    const gone = await ask({ method, path: path.replace("SECRET", GONE) }, "stranger");
    expect(here.status).toBe(status);
    expect(shown(here, HERE)).toEqual(shown(gone, GONE));
  });

  test("changes nothing", async () => {
    for (const entry of CLOSED) await ask(entry.request(HERE, content), "stranger");
    const path = `/v2/${HERE}/manifests/${content.tag}`;
    expect((await ask({ method: "GET", path }, "all")).status).toBe(200);
    expect(
      (await ask({ method: "GET", path: `/v2/${HERE}/blobs/${content.spare}` }, "all")).status,
    ).toBe(200);
  });
});

describe("a blob of a repository that one may not pull", () => {
  const mount = (digest: string, from: string | null): MatrixRequest => ({
    method: "POST",
    path: `/v2/mine/app/blobs/uploads/?mount=${digest}${from === null ? "" : `&from=${from}`}`,
  });
  const opened = ({ headers, ...rest }: Answer): unknown => {
    const id = headers.get("docker-upload-uuid") ?? "";
    return shown({ headers, ...rest }, id);
  };

  test("is mounted no more than one that there is none of: an upload begins", async () => {
    const secret = opened(await ask(mount(content.layer, HERE), "ann"));
    expect(secret).toEqual(opened(await ask(mount(unknownDigest, HERE), "ann")));
    expect(secret).toEqual(opened(await ask(mount(content.layer, GONE), "ann")));
    expect(secret).toMatchObject({ status: 202 });
    const there = await ask({ method: "HEAD", path: `/v2/mine/app/blobs/${content.layer}` }, "ann");
    expect(there.status).toBe(404);
  });

  test("is not found either when nobody says where it is", async () => {
    expect((await ask(mount(content.layer, null), "ann")).status).toBe(202);
    expect((await ask(mount(content.layer, null), "all")).status).toBe(201);
  });

  test("is mounted by one who may pull it", async () => {
    const mine = await seed(registry, "mine/source", "ann");
    expect((await ask(mount(mine.layer, "mine/source"), "ann")).status).toBe(201);
    expect((await ask(mount(content.layer, "mine/source"), "ann")).status).toBe(202);
  });

  test("is no part of a manifest that somebody else pushes", async () => {
    const manifest = await ask({ method: "GET", path: `/v2/${HERE}/manifests/v1` }, "all");
    const headers = { "content-type": manifest.headers.get("content-type") ?? "" };
    const asked = { headers, body: manifest.bytes };
    const refused = await ask({ method: "PUT", path: "/v2/mine/app/manifests/v1", asked }, "ann");
    expect(refused.status).toBe(400);
    expect(refused.errors[0]?.code).toBe("MANIFEST_BLOB_UNKNOWN");
  });
});

describe("an upload belongs to whoever began it", () => {
  const begin = async (user: string): Promise<string> => {
    const path = "/v2/mine/app/blobs/uploads/";
    return (await ask({ method: "POST", path }, user)).headers.get("location") ?? "";
  };

  test("to others who may push there, it is not there", async () => {
    const path = await begin("ann");
    const body = new TextEncoder().encode("a part");
    for (const other of ["all", "dropper"]) {
      for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
        const asked = { ...(method !== "GET" && { body }) };
        const answer = await ask({ method, path: `${path}?digest=${unknownDigest}`, asked }, other);
        expect([method, answer.status, answer.errors[0]?.code]).toEqual([
          method,
          404,
          "BLOB_UPLOAD_UNKNOWN",
        ]);
      }
    }
    expect((await ask({ method: "PATCH", path, asked: { body } }, "ann")).status).toBe(202);
    expect((await ask({ method: "GET", path }, "ann")).headers.get("range")).toBe("0-5");
  });

  test("also after a restart", async () => {
    const path = await begin("ann");
    const body = new Uint8Array(20_000);
    expect((await ask({ method: "PATCH", path, asked: { body } }, "ann")).status).toBe(202);

    await registry.restart();

    expect((await ask({ method: "GET", path }, "all")).status).toBe(404);
    const mine = await ask({ method: "GET", path }, "ann");
    expect([mine.status, mine.headers.get("range")]).toEqual([204, "0-19999"]);
    expect((await ask({ method: "DELETE", path }, "ann")).status).toBe(204);
  });

  test("who may not push there any more cannot go on with it", async () => {
    const path = await begin("ann");
    await gate.setUsers(["all", "dropper", "stranger"]);
    expect((await ask({ method: "PATCH", path }, "ann")).status).toBe(401);
    await gate.setUsers(["all", "ann", "dropper", "stranger"]);
    expect((await ask({ method: "GET", path }, "ann")).status).toBe(204);
  });
});

test("one who may push and not pull can push, and read nothing of it", async () => {
  const dropped = "drop/box";
  const bytes = new TextEncoder().encode("dropped");
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
  const path = `/v2/${dropped}/blobs/uploads/?digest=${digest}`;
  expect((await ask({ method: "POST", path, asked: { body: bytes } }, "dropper")).status).toBe(201);
  const blob = `/v2/${dropped}/blobs/${digest}`;
  expect((await ask({ method: "HEAD", path: blob }, "dropper")).status).toBe(404);
  expect((await ask({ method: "GET", path: blob }, "dropper")).status).toBe(404);
  expect((await ask({ method: "GET", path: blob }, "all")).status).toBe(200);
});
