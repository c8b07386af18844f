import { describe, expect, test } from "bun:test";
import { distributionFile } from "./distribution-file.ts";

const OLD = "/etc/docker/registry/config.yml";
const NEW = "/etc/distribution/config.yml";
const there =
  (...files: string[]) =>
  (path: string) =>
    files.includes(path);

describe("the configuration of the executable registry", () => {
  test.each([
    ["the one it is told", "/a", { REGISTRY_CONFIGURATION_PATH: "/b" }, [OLD, NEW], "/a"],
    ["then the variable's", undefined, { REGISTRY_CONFIGURATION_PATH: "/b" }, [OLD, NEW], "/b"],
    ["then that of registry:2", undefined, {}, [OLD, NEW], OLD],
    ["then that of registry:3", undefined, {}, [NEW], NEW],
    ["and an empty word is none", "", { REGISTRY_CONFIGURATION_PATH: "" }, [NEW], NEW],
  ])("is %s", (_, told, environment, files, expected) => {
    expect(distributionFile(told, environment, there(...files))).toBe(expected);
  });

  test("is missing where there is none, and all places are named", () => {
    for (const place of ["REGISTRY_CONFIGURATION_PATH", OLD, NEW]) {
      expect(() => distributionFile(undefined, {}, there())).toThrow(place);
    }
  });
});
