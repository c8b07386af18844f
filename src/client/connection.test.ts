import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/support/failure.ts";
import { fakeRegistry, ociError } from "../../test/support/fake-registry.ts";
import { tagsOfApp as tags } from "../../test/support/hostile.ts";
import { parseAddress } from "./address.ts";
import type { Credentials } from "./auth/credentials.ts";
import { type Connection, openConnection } from "./connection.ts";

const SECRET = "hunter2-hunter2";
const BASIC = `Basic ${Buffer.from(`me:${SECRET}`).toString("base64")}`;
const password: Credentials = {
  kind: "password",
  username: "me",
  password: SECRET,
  from: "a test",
};
const identity: Credentials = { kind: "identity", token: SECRET, from: "a test" };

function connect(url: string, credentials: Credentials | null = password): Connection {
  return openConnection(parseAddress(url), { credentials: { find: async () => credentials } });
}

const page = (): Response => Response.json({ name: "app", tags: ["1"] });
const challenge = (header: string): Response =>
  ociError(401, "UNAUTHORIZED", "", { "www-authenticate": header });

describe("a registry that asks for nothing", () => {
  test("gets no credentials, and nobody looks for them", async () => {
    await using registry = fakeRegistry(page);
    const source = { find: () => Promise.reject(new Error("looked for")) };
    const connection = openConnection(parseAddress(registry.url), { credentials: source });

    expect(await tags(connection)).toEqual(["1"]);
    expect(registry.heard[0]?.authorization).toBeNull();
  });
});

describe("a registry that wants a password", () => {
  test("gets it when it asks, and from then on at once", async () => {
    await using registry = fakeRegistry(({ authorization }) =>
      authorization === BASIC ? page() : challenge('Basic realm="x"'),
    );
    const connection = connect(registry.url);

    await tags(connection);
    await tags(connection);

    expect(registry.heard.map(({ authorization }) => authorization)).toEqual([null, BASIC, BASIC]);
  });

  test.each([
    ["has refused it", password, "answers 401"],
    ["is not known", null, "there are none for it"],
    ["is known by a token only", identity, "has only a token"],
  ])("is not asked for ever when the password %s", async (_, credentials, why) => {
    await using registry = fakeRegistry(() => challenge("Basic"));

    const error = await failureOf(tags(connect(registry.url, credentials)));

    expect(error.kind).toBe("CREDENTIALS");
    expect(error.message).toContain(why);
    expect(registry.heard.length).toBeLessThanOrEqual(2);
  });

  test("is told apart from one that wants what nobody knows", async () => {
    await using registry = fakeRegistry(() => challenge("Negotiate"));

    expect((await failureOf(tags(connect(registry.url)))).message).toContain(
      "no way that is known",
    );
  });
});

describe("a registry with a token server", () => {
  const bearer = (url: string, scope = "repository:app:pull"): Response =>
    challenge(`Bearer realm="${url}/token",service="fake",scope="${scope}"`);

  test("is given a token that was fetched with the password, and the password never", async () => {
    await using registry = fakeRegistry(({ path, authorization }, url) => {
      if (path.startsWith("/token")) return Response.json({ token: "T", expires_in: 300 });
      return authorization === "Bearer T" ? page() : bearer(url);
    });
    const connection = connect(registry.url);

    await tags(connection);
    await tags(connection);

    expect(
      registry.heard.map(({ path, authorization }) => [path.split("?")[0], authorization]),
    ).toEqual([
      ["/v2/app/tags/list", null],
      ["/token", BASIC],
      ["/v2/app/tags/list", "Bearer T"],
      ["/v2/app/tags/list", "Bearer T"],
    ]);
    const query = new URLSearchParams(registry.heard[1]?.path.split("?")[1]);
    expect(query.get("service")).toBe("fake");
    expect(query.getAll("scope")).toEqual(["repository:app:pull"]);
  });

  test("is asked as nobody when there are no credentials", async () => {
    await using registry = fakeRegistry(({ path, authorization }, url) => {
      if (path.startsWith("/token")) return Response.json({ access_token: "anonymous" });
      return authorization === "Bearer anonymous" ? page() : bearer(url);
    });

    expect(await tags(connect(registry.url, null))).toEqual(["1"]);
    expect(registry.heard[1]?.authorization).toBeNull();
  });

  test("is given an identity token in the body of a POST", async () => {
    await using registry = fakeRegistry(({ path, authorization }, url) => {
      if (path === "/token") return Response.json({ access_token: "T" });
      return authorization === "Bearer T" ? page() : bearer(url);
    });

    await tags(connect(registry.url, identity));

    const { method, body } = registry.heard[1] ?? { method: "", body: "" };
    const form = new URLSearchParams(body);
    expect(method).toBe("POST");
    expect(form.get("grant_type")).toBe("refresh_token");
    expect(form.get("refresh_token")).toBe(SECRET);
  });

  test("gives another token when the first has ended", async () => {
    let given = 0;
    await using registry = fakeRegistry(({ path, authorization }, url) => {
      // Shorter than the margin: it counts as ended at once.
      if (path.startsWith("/token")) return Response.json({ token: `T${++given}`, expires_in: 1 });
      return authorization === `Bearer T${given}` ? page() : bearer(url);
    });
    const connection = connect(registry.url);

    await tags(connection);
    await tags(connection);

    expect(given).toBe(2);
  });

  test("that refuses is a matter of credentials, said without them", async () => {
    await using registry = fakeRegistry(({ path }, url) =>
      path.startsWith("/token")
        ? ociError(401, "DENIED", `not ${SECRET}, not ${BASIC}`)
        : bearer(url),
    );

    const error = await failureOf(tags(connect(registry.url)));

    expect(error.kind).toBe("CREDENTIALS");
    expect(error.message).toContain("[redacted]");
    expect(error.message).not.toContain(SECRET);
    expect(error.message).not.toContain(BASIC.slice("Basic ".length));
  });

  test.each([
    ["no token", () => Response.json({})],
    ["a token with a line feed", () => Response.json({ token: "a\r\nx-evil: 1" })],
    ["a web page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["more than a token can be", () => new Response("x".repeat(2 * 1024 * 1024))],
  ])("that gives %s is refused", async (_, answer) => {
    await using registry = fakeRegistry(({ path }, url) =>
      path.startsWith("/token") ? answer() : bearer(url),
    );

    expect((await failureOf(tags(connect(registry.url)))).kind).toBe("REMOTE");
  });

  test.each(["ftp://127.0.0.1/token", "/token", "", "https://me:x@127.0.0.1/token"])(
    "at %p is not asked",
    async (realm) => {
      await using registry = fakeRegistry(() => challenge(`Bearer realm="${realm}"`));

      const error = await failureOf(tags(connect(registry.url)));

      expect(error.message).toContain("they were not sent");
      expect(registry.heard).toHaveLength(1);
    },
  );
});

describe("a hostile registry", () => {
  test("that repeats our headers in its error does not get them shown", async () => {
    await using registry = fakeRegistry(({ authorization }) =>
      authorization === null
        ? challenge("Basic")
        : ociError(403, "DENIED", `you sent ${authorization}, \u001b[2Jwhich is ${SECRET}`),
    );

    const { message, detail } = await failureOf(tags(connect(registry.url)));

    for (const text of [message, JSON.stringify(detail)]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(BASIC.slice("Basic ".length));
      expect(text).not.toContain("\u001b");
    }
    expect(message).toContain("[redacted]");
  });

  test.each(["Basic", 'Bearer realm="https://127.0.0.1/token"'])(
    "that redirects to another port does not get credentials for that one, also when it asks: %s",
    async (asks) => {
      await using other = fakeRegistry(() => challenge(asks));
      await using registry = fakeRegistry(({ authorization }) =>
        authorization === null
          ? challenge("Basic")
          : new Response(null, { status: 307, headers: { location: `${other.url}/x` } }),
      );

      const error = await failureOf(tags(connect(registry.url)));

      expect(error.kind).toBe("CREDENTIALS");
      expect(registry.heard.map(({ authorization }) => authorization)).toEqual([null, BASIC]);
      expect(other.heard.map(({ authorization }) => authorization)).toEqual([null]);
    },
  );

  test("that redirects to a host with a token server of its own does not get the password there", async () => {
    await using other = fakeRegistry(({ path }, url) =>
      path.startsWith("/token")
        ? Response.json({ token: "T" })
        : challenge(`Bearer realm="${url}/token"`),
    );
    await using registry = fakeRegistry(() => Response.redirect(`${other.url}/v2/`, 307));

    expect((await failureOf(tags(connect(registry.url)))).kind).toBe("CREDENTIALS");
    expect(other.heard.map(({ path, authorization }) => [path, authorization])).toEqual([
      ["/v2/", null],
    ]);
  });

  test("that redirects its token server elsewhere does not get the password there", async () => {
    await using other = fakeRegistry(() => Response.json({ token: "T" }));
    await using registry = fakeRegistry(({ path, authorization }, url) => {
      if (path.startsWith("/token")) return Response.redirect(`${other.url}/steal`, 307);
      return authorization === "Bearer T" ? page() : challenge(`Bearer realm="${url}/token"`);
    });

    await tags(connect(registry.url));
    expect(other.heard.map(({ authorization }) => authorization)).toEqual([null]);

    const error = await failureOf(tags(connect(registry.url, identity)));
    expect(error.message).toContain("redirects a POST");
    expect(other.heard).toHaveLength(1);
  });
});
