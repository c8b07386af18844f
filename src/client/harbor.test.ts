import { describe, expect, test } from "bun:test";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { failureOf } from "../../test/support/failure.ts";
import { startStandIn } from "../../test/support/stand-ins/stand-in.ts";
import { PRUNING, type User } from "../../test/support/stand-ins/users.ts";
import { parseAddress } from "./address.ts";
import { type Connection, openConnection } from "./connection.ts";
import { harborList, recognizeHarbor, requireHarbor } from "./harbor.ts";

const ADMIN: User = { name: "admin", password: "Harbor12345", admin: true };
const ROBOT: User = {
  name: "robot$app+prune",
  password: "secret",
  projects: [{ project: "app", rights: PRUNING }],
};

function connect(url: string, user: User | null = ADMIN): Connection {
  const found = user && {
    kind: "password" as const,
    username: user.name,
    password: user.password,
    from: "the test",
  };
  return openConnection(parseAddress(url), { credentials: { find: async () => found } });
}

describe("recognising a Harbor", () => {
  test("it tells its version to those whom it knows, robot accounts among them", async () => {
    await using standIn = startStandIn("harbor", { users: [ADMIN, ROBOT] });
    expect((await requireHarbor(connect(standIn.url))).version).toBe("v2.12.0-stand-in");
    expect((await requireHarbor(connect(standIn.url, ROBOT))).version).toBe("v2.12.0-stand-in");
  });

  test("a wrong password is noticed, although Harbor answers 200 to it", async () => {
    await using standIn = startStandIn("harbor", { users: [ADMIN] });
    const wrong = connect(standIn.url, { ...ADMIN, password: "wrong" });
    expect(await recognizeHarbor(wrong)).toEqual({ version: null, readOnly: false });
    expect((await failureOf(requireHarbor(wrong))).kind).toBe("CREDENTIALS");
    expect((await failureOf(requireHarbor(connect(standIn.url, null)))).kind).toBe("CREDENTIALS");
  });

  for (const kind of ["registry-2.8", "registry-3", "zot", "ghcr", "proxied"] as const) {
    test(`${kind} is none`, async () => {
      await using standIn = startStandIn(kind, { users: [ADMIN] });
      expect(await recognizeHarbor(connect(standIn.url))).toBeNull();
    });
  }

  test("no password goes to what is none and does not ask for one", async () => {
    await using registry = fakeRegistry(() => new Response("", { status: 404 }));
    expect(await recognizeHarbor(connect(registry.url))).toBeNull();
    expect(registry.heard.map(({ authorization }) => authorization)).toEqual([null]);
  });

  test("a page with 200 is none, and neither is other JSON", async () => {
    for (const body of ["<html></html>", '{"auth_mode":1}', "[]", "null", ""]) {
      await using registry = fakeRegistry(() => new Response(body));
      expect(await recognizeHarbor(connect(registry.url))).toBeNull();
    }
  });

  test("who wants other credentials for it is none", async () => {
    await using registry = fakeRegistry(() =>
      ociError(401, "UNAUTHORIZED", "", { "www-authenticate": 'Basic realm="x"' }),
    );
    expect(await recognizeHarbor(connect(registry.url))).toBeNull();
  });

  test("an error on its side leaves open what it is", async () => {
    await using registry = fakeRegistry(() => new Response("", { status: 502 }));
    expect((await failureOf(recognizeHarbor(connect(registry.url)))).kind).toBe("REMOTE");
  });
});

describe("lists", () => {
  const subject = { about: "a list", missing: "REMOTE" } as const;
  const of = (connection: Connection) => harborList(connection, "/x", {}, "id", subject);

  /** Serves numbers in pages as Harbor does; `entries` says what the list is at the n-th request. */
  function serve(entries: (request: number) => readonly number[], headers = true) {
    let requests = 0;
    return fakeRegistry(({ path }) => {
      const query = new URL(path, "http://x").searchParams;
      const all = entries(++requests);
      const size = Number(query.get("page_size"));
      const from = (Number(query.get("page")) - 1) * size;
      return Response.json(
        all.slice(from, from + size).map((id) => ({ id })),
        { headers: headers ? { "x-total-count": String(all.length) } : {} },
      );
    });
  }
  const numbers = (length: number) => Array.from({ length }, (_, at) => at);

  test("are read to their end", async () => {
    for (const length of [0, 1, 99, 100, 101, 1234]) {
      await using registry = serve(() => numbers(length));
      expect((await of(connect(registry.url))).map(({ id }) => id)).toEqual(numbers(length));
    }
  });

  test("that lose an entry while they are read are read again", async () => {
    // The first reading misses the entry that moves from the second page to the first.
    await using registry = serve((request) =>
      request === 1 ? numbers(150) : numbers(150).slice(1),
    );
    expect(await of(connect(registry.url))).toHaveLength(149);
    expect(registry.heard).toHaveLength(4);
  });

  test("that never stand still are given up", async () => {
    let first = 0;
    await using registry = serve(() => numbers(5000).slice(first++));
    const error = await failureOf(of(connect(registry.url)));
    expect(error.kind).toBe("REMOTE");
    expect(error.message).toContain("changes all the time");
  });

  test("null is an empty one; anything else is none", async () => {
    await using nothing = fakeRegistry(() => Response.json(null));
    expect(await of(connect(nothing.url))).toEqual([]);
    for (const body of ["{}", '["a"]', "<html>", ""]) {
      await using registry = fakeRegistry(() => new Response(body));
      expect((await failureOf(of(connect(registry.url)))).kind).toBe("REMOTE");
    }
  });

  test("without end are no lists", async () => {
    let id = 0;
    await using registry = fakeRegistry(() =>
      Response.json([{ id: id++ }], { headers: { link: '</x>; rel="next"' } }),
    );
    expect((await failureOf(of(connect(registry.url)))).message).toContain("without end");
  });
});
