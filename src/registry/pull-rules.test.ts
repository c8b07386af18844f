import { expect, test } from "bun:test";
import { pullRule } from "./pull-rules.ts";

const HEADS = ["containerd/*", "docker/*"];

test.each([
  ["GET", "docker/27.3.1 go/go1.22", true],
  ["GET", "curl/8.5", true],
  ["GET", "", true],
  ["GET", null, true],
  ["HEAD", "containerd/2.0.1", true],
  ["HEAD", "Docker/27 go/1", true],
  ["HEAD", "curl/8.5", false],
  ["HEAD", "my-docker/1", false],
  ["HEAD", null, false],
  ["GET", "Trivy/0.58", false],
  ["HEAD", "trivy/0.58", false],
  ["GET", "wharfinger", false],
  ["GET", "wharfinger/1.0 (sync)", false],
  ["HEAD", "wharfinger", false],
])("%s of %p counts: %p", (method, agent, counts) => {
  const rule = pullRule(HEADS, ["trivy/*"]);
  for (let time = 1; time <= 2; time++) expect(rule(method, agent)).toBe(counts);
});

test("who is ignored is so, although its HEAD would count", () => {
  const rule = pullRule(HEADS, ["*mirror*"]);
  expect(rule("HEAD", "containerd/2 mirror")).toBe(false);
  expect(rule("GET", "containerd/2 mirror")).toBe(false);
});

test("agents that were made up do not fill the memory, nor does a long one take long", () => {
  const rule = pullRule(["*a*a*a*a*a*a*b"], []);
  expect(rule("HEAD", "a".repeat(8000))).toBe(false);
  for (let made = 0; made < 3000; made++) expect(rule("GET", `agent/${made}`)).toBe(true);
});
