import { expect, setDefaultTimeout, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { backUp, restoreAll } from "../support/backup.ts";
import { checkFolder, expectClean } from "../support/clean.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { localRegistry } from "../support/local-registry.ts";

setDefaultTimeout(180_000);

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");
const IMAGES = 20;

for (const ours of [false, true]) {
  const where = ours ? "a registry that has something" : "an empty folder";
  test(`a restore into ${where} that is killed anywhere names nothing that is not there, and is done by the next`, async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    {
      await using registry = await localRegistry({}, { data });
      for (let at = 0; at < IMAGES; at++) {
        await image({ layers: 3, size: 80_000 }).push(registry.url, `team/app${at % 7}`, `t${at}`);
      }
    }
    await backUp(data, folder.at("a.tar"));
    const to = folder.at("to");
    if (ours) {
      await using registry = await localRegistry({}, { data: to });
      await image().push(registry.url, "team/app1", "mine");
    }
    const before = (await filesBelow(join(to, "docker"))).length;
    const whole = (await filesBelow(join(data, "docker"))).length + before;
    let killed = 0;
    // Each time it comes a little further before it is killed.
    for (const share of [0.2, 0.5, 0.7, 0.9]) {
      const command = [
        process.execPath,
        MAIN,
        "restore",
        folder.at("a.tar"),
        "--data",
        to,
        "--yes",
      ];
      const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
      const come = async () => (await readdir(to, { recursive: true }).catch(() => [])).length;
      while (child.exitCode === null && (await come()) < whole * share * 1.5) await Bun.sleep(1);
      child.kill("SIGKILL");
      await child.exited;
      if (child.signalCode === "SIGKILL") killed++;
      const { findings } = await checkFolder(to).catch(() => ({ findings: [] }));
      expect(findings.filter(({ kind }) => kind === "broken" && !ours)).toEqual([]);
    }
    expect(killed).toBeGreaterThan(0);

    await restoreAll(to, folder.at("a.tar"));

    expect((await expectClean(to)).tags).toBe(IMAGES + (ours ? 1 : 0));
    await using registry = await localRegistry({}, { data: to });
    expect((await fetch(`${registry.url}/v2/team/app1/manifests/t1`)).status).toBe(200);
  });
}
