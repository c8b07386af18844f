import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RegistryError } from "../oci/errors.ts";
import { parseAddress } from "./address.ts";

describe("the address of a registry", () => {
  test.each([
    ["registry.example.com", "https://registry.example.com"],
    ["registry.example.com:8443", "https://registry.example.com:8443"],
    ["registry.example.com:443", "https://registry.example.com"],
    ["https://registry.example.com/", "https://registry.example.com"],
    ["http://registry.example.com", "http://registry.example.com"],
    ["http://registry.example.com:80", "http://registry.example.com"],
    ["REGISTRY.example.com", "https://registry.example.com"],
    ["localhost", "http://localhost"],
    ["localhost:5000", "http://localhost:5000"],
    ["localhost:80", "http://localhost"],
    ["localhost:443", "http://localhost:443"],
    ["127.0.0.1:5000", "http://127.0.0.1:5000"],
    ["127.1.2.3", "http://127.1.2.3"],
    ["[::1]:5000", "http://[::1]:5000"],
    ["https://localhost:5000", "https://localhost:5000"],
    ["localhost.example.com", "https://localhost.example.com"],
    ["127.0.0.1.example.com", "https://127.0.0.1.example.com"],
    ["10.0.0.1:5000", "https://10.0.0.1:5000"],
  ])("%s means %s", (text, origin) => {
    expect(parseAddress(text).origin).toBe(origin);
  });

  test("is http where that is said, for any host", () => {
    expect(parseAddress("registry.example.com:5000", true).origin).toBe(
      "http://registry.example.com:5000",
    );
  });

  test("of Docker Hub is where it answers, under the name that people give it", () => {
    expect(parseAddress("docker.io")).toEqual({
      origin: "https://registry-1.docker.io",
      host: "docker.io",
      plain: false,
    });
  });

  test.each([
    "",
    "a b",
    "host/path",
    "https://host/v2/",
    "https://host?x=1",
    "https://host#x",
    "ftp://host",
    "host:port",
    "host:99999",
    "host\\path",
    "http://",
  ])("%p is refused", (text) => {
    expect(() => parseAddress(text)).toThrow(RegistryError);
  });

  test("that says https and is asked for over http is refused", () => {
    expect(() => parseAddress("https://host", true)).toThrow("--plain-http");
  });

  test("with a password in it is refused, and the password not repeated", () => {
    for (const text of ["https://me:hunter2@host", "me:hunter2@host", "https://me:hunter2@ho st"]) {
      const message = messageOf(() => parseAddress(text));
      expect(message).toContain("wrong usage");
      expect(message).not.toContain("hunter2");
    }
  });

  test("is an origin or a refusal, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, plain) => {
        try {
          const { origin } = parseAddress(text, plain);
          expect(new URL(origin).origin).toBe(origin);
        } catch (error) {
          expect(error).toBeInstanceOf(RegistryError);
        }
      }),
    );
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}
