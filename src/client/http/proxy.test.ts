import { describe, expect, test } from "bun:test";
import { RegistryError } from "../../oci/errors.ts";
import { environmentProxy, fixedProxy } from "./proxy.ts";

function chosen(environment: Record<string, string>, url: string): string | null {
  return environmentProxy(environment)(new URL(url));
}

const both = { HTTPS_PROXY: "http://secure:1", HTTP_PROXY: "http://plain:2" };

describe("the variables", () => {
  test("say which proxy is for https and which for http", () => {
    expect(chosen(both, "https://a.example/")).toBe("http://secure:1/");
    expect(chosen(both, "http://a.example/")).toBe("http://plain:2/");
    expect(chosen({ HTTP_PROXY: "http://plain:2" }, "https://a.example/")).toBeNull();
    expect(chosen({}, "https://a.example/")).toBeNull();
  });

  test("may be in small letters, and without a scheme", () => {
    expect(chosen({ https_proxy: "proxy:3128" }, "https://a.example/")).toBe("http://proxy:3128/");
  });

  test.each(["http://localhost:5000", "http://127.0.0.1", "https://[::1]:5000"])(
    "never lead %p away from this machine",
    (url) => {
      expect(chosen(both, url)).toBeNull();
    },
  );

  test.each([
    ["example.com", "https://example.com/", true],
    ["example.com", "https://a.example.com/", true],
    ["example.com", "https://badexample.com/", false],
    [".example.com", "https://example.com/", false],
    [".example.com", "https://a.example.com/", true],
    ["*.example.com", "https://a.b.example.com/", true],
    ["EXAMPLE.com , other", "https://example.com/", true],
    ["example.com:5000", "https://example.com:5000/", true],
    ["example.com:5000", "https://example.com/", false],
    ["example.com:443", "https://example.com/", true],
    ["10.0.0.0/8", "https://10.1.2.3/", true],
    ["10.0.0.0/8", "https://11.1.2.3/", false],
    ["10.0.0.1", "https://10.0.0.1:5000/", true],
    ["fd00::/8", "https://[fd12::1]/", true],
    ["*", "https://anything.example/", true],
    ["", "https://example.com/", false],
    ["10.0.0.0/99", "https://10.0.0.1/", false],
  ])("NO_PROXY=%p keeps the proxy from %p: %p", (list, url, kept) => {
    expect(chosen({ ...both, NO_PROXY: list }, url) === null).toBe(kept);
  });
});

test.each(["socks5://proxy:1080", "not a url at all://", "http://"])(
  "%p is no proxy, and is not repeated, for it may hold a password",
  (value) => {
    for (const work of [() => fixedProxy(value), () => environmentProxy({ HTTPS_PROXY: value })]) {
      expect(work).toThrow(RegistryError);
      expect(work).toThrow("must be the http or https URL of a proxy");
    }
  },
);
