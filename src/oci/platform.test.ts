import { describe, expect, test } from "bun:test";
import { configPlatform, knownPlatforms, platformOf } from "./platform.ts";

describe("a platform", () => {
  test.each([
    [{ os: "linux", architecture: "amd64" }, "linux/amd64"],
    [{ os: "linux", architecture: "arm", variant: "v7" }, "linux/arm/v7"],
    [{ os: "linux", architecture: "arm64", variant: "" }, "linux/arm64"],
    [{ os: "linux", architecture: "arm64", variant: 8 }, "linux/arm64"],
  ])("of %j is read", (value, platform) => {
    expect(platformOf(value)).toBe(platform);
  });

  test.each([
    [null],
    ["linux/amd64"],
    [["linux", "amd64"]],
    [{}],
    [{ os: "linux" }],
    [{ os: 1, architecture: "amd64" }],
    [{ os: "", architecture: "" }],
  ])("is not in %j", (value) => {
    expect(platformOf(value)).toBeNull();
  });
});

describe("the platform of a config", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("is read from its bytes", () => {
    expect(configPlatform(bytes(`{"architecture":"arm64","os":"linux"}`))).toBe("linux/arm64");
  });

  test.each(["", "null", "{}", "[1]", "\u0000\u0001", "{"])("is none in %j", (text) => {
    expect(configPlatform(bytes(text))).toBeNull();
  });
});

test("platforms that nobody has are dropped, and each stands once, in the first order", () => {
  const list = ["linux/arm64", undefined, "unknown/unknown", "linux/amd64", null, "linux/arm64"];

  expect(knownPlatforms(list)).toEqual(["linux/arm64", "linux/amd64"]);
});
