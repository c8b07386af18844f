import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseImageReference } from "./in-use-reference.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;

/** As `REPO:TAG@DIGEST` for each repository that may be meant. */
function read(text: string): string[] | string {
  const found = parseImageReference(text);
  if ("reason" in found) return found.reason;
  const rest = `${found.tag === null ? "" : `:${found.tag}`}${found.digest === null ? "" : `@${found.digest}`}`;
  return found.repositories.length === 0 ? [rest] : found.repositories.map((name) => name + rest);
}

describe("the name of an image", () => {
  test.each([
    ["team/app:1.0", ["team/app:1.0"]],
    ["registry.example.com/team/app:1.0", ["team/app:1.0", "registry.example.com/team/app:1.0"]],
    ["registry.example.com:5000/app", ["app:latest"]],
    ["localhost:5000/app:v1", ["app:v1"]],
    ["localhost/app:v1", ["app:v1", "localhost/app:v1"]],
    ["[::1]:5000/team/app:v1", ["team/app:v1"]],
    ["nginx", ["nginx:latest", "library/nginx:latest"]],
    ["nginx:1.27", ["nginx:1.27", "library/nginx:1.27"]],
    ["docker.io/nginx:1.27", ["nginx:1.27", "library/nginx:1.27"]],
    ["docker.io/library/nginx:1.27", ["library/nginx:1.27"]],
    ["docker.io/bitnami/redis", ["bitnami/redis:latest"]],
    [`team/app@${DIGEST}`, [`team/app@${DIGEST}`]],
    [`hub:5000/team/app:1.0@${DIGEST}`, [`team/app:1.0@${DIGEST}`]],
    [`docker-pullable://hub:5000/team/app@${DIGEST}`, [`team/app@${DIGEST}`]],
    [DIGEST, [`@${DIGEST}`]],
    [`docker://${DIGEST}`, [`@${DIGEST}`]],
    [HEX, [`@${DIGEST}`]],
  ] as const)("%s is read", (text, expected) => {
    expect(read(text)).toEqual([...expected]);
  });

  test("that is a part of a digest may be one", () => {
    expect(parseImageReference("3f8a4339aadd")).toMatchObject({ digits: "3f8a4339aadd" });
    expect(parseImageReference("3f8a4339aadd:1")).toMatchObject({ digits: null });
  });

  test.each([
    "",
    " ",
    ":",
    "@",
    "/",
    "a//b",
    "a/",
    "team/App:1",
    "app:",
    "app:1:2",
    "app:tag with spaces",
    "two words",
    "https://registry.example.com/app:1",
    "app@sha256:abc",
    `app@md5:${"0".repeat(32)}`,
    "{{ .Values.image }}",
    "${IMAGE}",
    "<none>:<none>",
    "x".repeat(2000),
    "app\u0000:1",
  ])("is not %p", (text) => {
    expect(read(text)).toBeString();
  });

  test("is found again whatever stands in front of it and behind it", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const host = fc.stringMatching(/^[a-z]{1,8}\.[a-z]{2,5}(?::[1-9][0-9]{1,3})?$/);
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);
    fc.assert(
      fc.property(host, fc.array(part, { minLength: 1, maxLength: 4 }), tag, (at, parts, name) => {
        const found = parseImageReference(`${at}/${parts.join("/")}:${name}`);
        expect(found).toMatchObject({ tag: name, digest: null });
        expect("repositories" in found && found.repositories.join()).toContain(parts.join("/"));
      }),
    );
  });

  test("is never a reason to throw", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 1200, unit: "binary" }), (text) => {
        parseImageReference(text);
      }),
    );
  });
});
