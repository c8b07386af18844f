import { describe, expect, test } from "bun:test";
import { limits } from "./schema-limits.ts";

describe("a limit out of its bounds", () => {
  test.each([
    ["idle", "9s"],
    ["idle", "256s"],
    ["idle", "0s"],
    ["idle", 60],
    ["head", "500ms"],
    ["head", "2h"],
    ["head", "-1s"],
    ["connections", 0],
    ["connections", -1],
    ["connections", 1.5],
    ["connections", "many"],
    ["uploads", 0],
    ["uploadsPerRepository", 0],
    ["requestsPerSecond", 0],
    ["requestsPerSecond", -1],
    ["requestsPerSecond", Number.POSITIVE_INFINITY],
  ])("%s: %p is refused with its place", (setting, value) => {
    const parsed = limits.safeParse({ [setting]: value });

    expect(parsed.error?.issues.map(({ path }) => path.join("."))).toEqual([setting]);
  });

  test("is none of these", () => {
    const given = { connections: 1, idle: "10s", head: "1s", uploads: 1, requestsPerSecond: 0.1 };

    expect(limits.parse(given)).toMatchObject({ ...given, idle: 10_000, head: 1000 });
  });
});
