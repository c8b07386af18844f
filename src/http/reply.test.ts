import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ERRORS, type ErrorKind } from "../oci/error-table.ts";
import { RegistryError } from "../oci/errors.ts";
import { COMMON, asRegistryError, empty, errorReply, json, nextLink } from "./reply.ts";

const kinds = Object.keys(ERRORS) as ErrorKind[];

interface ErrorBody {
  readonly errors: readonly {
    readonly code: string;
    readonly message: string;
    readonly detail: object;
  }[];
}

describe("every answer", () => {
  test.each([
    ["without a body", () => empty(204)],
    ["of JSON", () => json({})],
    ["of an error", () => errorReply(new RegistryError("INTERNAL"))],
  ])("%s says which protocol this is, and that content is not to be guessed", (_, answer) => {
    const { headers } = answer();

    for (const [name, value] of Object.entries(COMMON)) expect(headers.get(name)).toBe(value);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("of JSON has the status, type and headers it was given", async () => {
    const answer = json(
      { tags: ["a"] },
      { "content-type": "application/x+json", link: "<x>" },
      201,
    );

    expect(answer.status).toBe(201);
    expect(answer.headers.get("content-type")).toBe("application/x+json");
    expect(answer.headers.get("link")).toBe("<x>");
    expect(await answer.json()).toEqual({ tags: ["a"] });
  });

  test("without a body has none", async () => {
    const answer = empty(202, { location: "/v2/a" });

    expect(answer.body).toBeNull();
    expect(answer.headers.get("location")).toBe("/v2/a");
  });
});

describe("an error", () => {
  test.each(kinds)("%s is a body as the OCI spec has it, with the remedy", async (kind) => {
    const answer = errorReply(new RegistryError(kind, { reason: "because", digest: "sha256:x" }));
    const body = (await answer.json()) as ErrorBody;

    expect(answer.status).toBe(ERRORS[kind].status);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(body).toEqual({
      errors: [
        {
          code: ERRORS[kind].code,
          message: `${ERRORS[kind].message}: because`,
          detail: { reason: "because", digest: "sha256:x", remedy: ERRORS[kind].remedy },
        },
      ],
    });
  });

  test("brings its own headers", () => {
    const range = { "content-range": "bytes */5" };

    expect(
      errorReply(new RegistryError("RANGE_UNSATISFIABLE", {}, { headers: range })).headers.get(
        "content-range",
      ),
    ).toBe("bytes */5");
  });

  test("can repeat any text of the client without spoiling the body", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (reason) => {
        const body = (await errorReply(
          new RegistryError("NAME_INVALID", { reason }),
        ).json()) as ErrorBody;
        expect(body.errors[0]?.message).toBe(
          `${ERRORS.NAME_INVALID.message}: ${reason}`.toWellFormed(),
        );
      }),
    );
  });

  test("shows neither its cause nor a stack", async () => {
    const cause = new Error("ENOENT: /srv/secret/file");
    const text = await errorReply(new RegistryError("INTERNAL", {}, { cause })).text();

    expect(text).not.toContain("secret");
    expect(text).not.toContain("reply.test");
  });
});

describe("the link to the next page", () => {
  /** What a client reads out of the header. */
  function follow(link: string): URL {
    const [, target = ""] = /^<([^<>\s]+)>; rel="next"$/.exec(link) ?? [];
    return new URL(target, "http://registry.example");
  }

  test("brings back every value as it was, and leaves out those that are null", () => {
    const text = fc.string({ unit: "binary", maxLength: 50 }).map((value) => value.toWellFormed());
    fc.assert(
      fc.property(text, fc.option(text), (last, artifactType) => {
        const headers = new Headers(nextLink("/v2/a/tags/list", { artifactType, n: "5", last }));
        const { pathname, searchParams } = follow(headers.get("link") ?? "");
        expect(pathname).toBe("/v2/a/tags/list");
        expect(searchParams.get("last")).toBe(last);
        expect(searchParams.get("n")).toBe("5");
        expect(searchParams.get("artifactType")).toBe(artifactType);
      }),
    );
  });

  test("is absolute when the registry has a public URL", () => {
    const { link } = nextLink("https://hub.example/v2/_catalog", { n: "1", last: "team/app" });

    expect(link).toBe('<https://hub.example/v2/_catalog?n=1&last=team%2Fapp>; rel="next"');
  });
});

describe("a failure", () => {
  const withCode = (code: unknown): Error => Object.assign(new Error("it broke"), { code });

  test.each([
    ["ENOSPC", "STORAGE_FULL"],
    ["EDQUOT", "STORAGE_FULL"],
    ["EMFILE", "UNAVAILABLE"],
    ["EROFS", "UNAVAILABLE"],
    ["EIO", "UNAVAILABLE"],
    ["ENOENT", "INTERNAL"],
    [5, "INTERNAL"],
    [undefined, "INTERNAL"],
  ] as const)("of the medium with the code %p is %s, with its cause", (code, kind) => {
    const failure = withCode(code);

    expect(asRegistryError(failure)).toMatchObject({ kind, cause: failure });
  });

  test.each([
    ["null", null],
    ["undefined", undefined],
    ["a text", "text"],
    ["an object with a code", { code: "ENOSPC" }],
  ])("that is %s and no error is INTERNAL", (_, thrown) => {
    expect(asRegistryError(thrown)).toMatchObject({ kind: "INTERNAL", cause: thrown });
  });

  test("that is one of ours stays as it is", () => {
    const error = new RegistryError("BLOB_UNKNOWN");

    expect(asRegistryError(error)).toBe(error);
  });
});
