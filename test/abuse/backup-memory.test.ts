import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../support/folder.ts";
import { uploadLarge } from "../support/large.ts";
import { onLinux } from "../support/linux.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(240_000);

const MAIN = join(import.meta.dir, "..", "..", "src", "main.ts");
const MIB = 1024 * 1024;

/** Runs the command, which must work; the most memory that it had, in MiB. */
async function peakOf(...args: string[]): Promise<number> {
  const command = [process.execPath, MAIN, ...args, "-q"];
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "inherit" });
  expect(await child.exited).toBe(0);
  // Bun gives bytes where the system gives kilobytes.
  return (child.resourceUsage()?.maxRSS ?? 0) / MIB;
}

test.skipIf(!onLinux)(
  "a layer of 300 MiB is backed up and restored in less than 150 MiB more than none",
  async () => {
    await using folder = await temporaryFolder();
    const [small, large] = [folder.at("small"), folder.at("large")];
    for (const [data, size] of [
      [small, 1000],
      [large, 300 * MIB],
    ] as const) {
      await using server = await startWharf({ data });
      await uploadLarge(server.url, "team/app", size);
    }
    const none = await peakOf("backup", folder.at("small.tar"), "--data", small);
    expect(none).toBeGreaterThan(20);

    for (const target of ["a.tar", "a.tar.zst", "folder"]) {
      const backup = await peakOf("backup", folder.at(target), "--data", large);
      expect({ target, within: backup - none < 150, backup }).toMatchObject({ within: true });
    }
    const restore = ["restore", folder.at("a.tar.zst"), "--yes"];
    const stopped = await peakOf(...restore, "--data", folder.at("to"));
    expect({ within: stopped - none < 150, stopped }).toMatchObject({ within: true });
    await using server = await startWharf({ data: folder.at("online") });
    const online = await peakOf(...restore, "--registry", server.host);
    expect({ within: online - none < 200, online, none }).toMatchObject({ within: true });
  },
);
