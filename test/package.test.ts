import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

describe("the package", () => {
  test("runs nothing when it is installed", () => {
    const run = ["preinstall", "install", "postinstall", "prepare", "prepublish"];

    expect(Object.keys(manifest.scripts).filter((name) => run.includes(name))).toEqual([]);
  });

  test("names one version of each dependency", () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };

    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual(
      [],
    );
  });

  test("lists what is in it, as CycloneDX", () => {
    const { stdout, exitCode } = Bun.spawnSync(["npm", "run", "--silent", "sbom"], {
      cwd: join(import.meta.dir, ".."),
    });
    const bill = JSON.parse(stdout.toString()) as {
      bomFormat: string;
      components: { name: string; version: string; hashes?: unknown[] }[];
    };

    expect({ exitCode, format: bill.bomFormat }).toEqual({ exitCode: 0, format: "CycloneDX" });
    for (const [name, version] of Object.entries(manifest.dependencies)) {
      expect(bill.components).toContainEqual(expect.objectContaining({ name, version }));
    }
    expect(bill.components.filter(({ hashes }) => !hashes?.length)).toEqual([]);
    expect(bill.components.map(({ name }) => name)).not.toContain("oxlint");
  });
});
