import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Digest } from "../oci/digest.ts";
import { RegistryError } from "../oci/errors.ts";
import { isRepositoryName } from "../oci/name.ts";
import type { Reference } from "../oci/reference.ts";
import { type ImageName, imageText, parseImageName } from "./image.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}` as Digest;

function parts(text: string): (string | null)[] {
  const { host, repository, reference } = parseImageName(text);
  return [host, repository, reference];
}

describe("the name of an image", () => {
  test.each<[string, (string | null)[]]>([
    ["app", [null, "app", null]],
    ["app:1.0", [null, "app", "1.0"]],
    ["team/app:1.0", [null, "team/app", "1.0"]],
    [`team/app@${DIGEST}`, [null, "team/app", DIGEST]],
    ["localhost/app:1", ["localhost", "app", "1"]],
    ["localhost:5000/app", ["localhost:5000", "app", null]],
    ["127.0.0.1:5000/team/app:1", ["127.0.0.1:5000", "team/app", "1"]],
    ["[::1]:5000/app:1", ["[::1]:5000", "app", "1"]],
    ["registry.example.com/app:1", ["registry.example.com", "app", "1"]],
    [`host:1/a@${DIGEST}`, ["host:1", "a", DIGEST]],
    ["Registry/app:1", ["Registry", "app", "1"]],
    ["docker.io/nginx:1", ["docker.io", "library/nginx", "1"]],
    ["docker.io/me/app:1", ["docker.io", "me/app", "1"]],
    // Without a slash nothing is a host: this is the tag 5000.
    ["localhost:5000", [null, "localhost", "5000"]],
  ])("%s is read as docker reads it", (text, expected) => {
    expect(parts(text)).toEqual(expected);
  });

  test("with tag and digest is refused: which of them shall it be", () => {
    expect(() => parseImageName(`app:1@${DIGEST}`)).toThrow("either the tag or the digest");
  });

  test("with a scheme is refused", () => {
    expect(() => parseImageName("docker://app:1")).toThrow("leave out");
  });

  test.each([
    ["", "NAME_INVALID"],
    ["app:", "TAG_INVALID"],
    ["team/app:a/b", "TAG_INVALID"],
    ["app:.x", "TAG_INVALID"],
    ["app@", "DIGEST_INVALID"],
    ["app@sha256:12", "DIGEST_INVALID"],
    ["app@latest", "DIGEST_INVALID"],
    ["App", "NAME_INVALID"],
    ["localhost:5000/", "NAME_INVALID"],
    ["/app", "NAME_INVALID"],
    ["a/../b:1", "NAME_INVALID"],
    ["app%2f:1", "NAME_INVALID"],
  ])("%p is refused with %s", (text, kind) => {
    expect(kindOf(() => parseImageName(text))).toBe(kind);
  });
});

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const part = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 8 });
const repository = fc
  .array(part, { minLength: 1, maxLength: 4 })
  .map((names) => names.join("/"))
  .filter(isRepositoryName)
  .filter((name) => !name.startsWith("localhost/"));
const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);
const host = fc.constantFrom(
  "localhost",
  "localhost:5000",
  "a.b",
  "a:1",
  "[::1]:5000",
  "127.0.0.1",
);

describe("any name", () => {
  test("that is written is read back the same, with a host and without", () => {
    const reference = fc.oneof(tag, fc.constant(DIGEST)).map((text) => text as Reference);
    fc.assert(
      fc.property(fc.option(host), repository, reference, (where, name, what) => {
        const text = (where === null ? "" : `${where}/`) + imageText(name, what);
        const read: ImageName = { host: where, repository: name, reference: what };
        expect(parseImageName(text)).toEqual(read);
      }),
    );
  });

  test("is read, or refused with an error of ours, and what is read is safe in a path", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        try {
          const { repository: name, reference } = parseImageName(text);
          expect(`${name}/${reference}`).toMatch(/^[A-Za-z0-9._/:-]+$/);
          expect(name).not.toContain("..");
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
    );
  });
});

function kindOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof RegistryError) return error.kind;
    throw error;
  }
  return "nothing was thrown";
}
