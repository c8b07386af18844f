import { expect, test } from "bun:test";
import { baseOf, originOf } from "./origin.ts";

test.each([
  ["http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000"],
  ["https://registry.example.com/v2/", "https://registry.example.com"],
  ["http://[::1]:5000/v2/?a=//b", "http://[::1]:5000"],
  ["http://localhost", "http://localhost"],
  ["/v2/", null],
  ['http://a"b/v2/', null],
  ["http://user@evil/v2/", null],
  ["http://a,b/v2/", null],
  ["http://a b/v2/", null],
  ["http://a:b/v2/", null],
  ["http://-a/v2/", null],
  ["http:///v2/", null],
  ["ftp://a/", null],
  ["http://a\\b/", null],
])("%s was asked for at %p", (url, origin) => {
  expect(originOf(url)).toBe(origin);
});

test("a trusted proxy may say that it was asked over https, and nothing else", () => {
  const url = "http://registry.example.com/v2/";
  expect(originOf(url, "https")).toBe("https://registry.example.com");
  for (const other of [null, "", "javascript", "https, http", "https://evil", "HTTPS\r\nx: y"]) {
    expect(originOf(url, other)).toBe("http://registry.example.com");
  }
});

test("the API is where publicUrl says, or behind the host that was asked", () => {
  const url = "http://registry.example.com/hub/v2/";
  expect(baseOf("https://other.example.com/hub", url, null)).toBe("https://other.example.com/hub");
  expect(baseOf("/hub", url, null)).toBe("http://registry.example.com/hub");
  expect(baseOf("", url, "https")).toBe("https://registry.example.com");
  expect(baseOf("/hub", "/hub/v2/", null)).toBeNull();
});
