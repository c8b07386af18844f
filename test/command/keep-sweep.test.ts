import { expect, setDefaultTimeout, test } from "bun:test";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { distributionConfig } from "../support/server.ts";
import { jobOf, startKeep } from "../support/keep.ts";

setDefaultTimeout(60_000);

test("a sweep of another program is never cut off: a stop waits for its end, and so does a second one", async () => {
  await using folder = await temporaryFolder();
  const program = folder.at("slow-registry");
  const done = folder.at("done");
  await writeFile(
    program,
    `#!/bin/sh
case "$1" in
--version) echo "registry github.com/distribution/distribution/v3 v3.0.0";;
*) echo "$@" > ${done}.words; sleep 3; echo "1 blobs marked, 2 blobs and 1 manifests eligible for deletion"; echo whole > ${done};;
esac
`,
  );
  await chmod(program, 0o755);
  await writeFile(folder.at("config.yml"), distributionConfig(folder.at("data"), "127.0.0.1:0"));
  const settings = {
    keep: { state: folder.at("state") },
    registries: [
      {
        name: "hub",
        url: "127.0.0.1:5999",
        collect: { with: "registry", program, config: folder.at("config.yml") },
      },
    ],
  };
  await writeFile(folder.at("wharf.yaml"), JSON.stringify(settings));
  const config = folder.at("wharf.yaml");
  {
    await using keep = await startKeep({ config });
    await fetch(`${keep.url}/gc`, { method: "POST" });
    const words = await eventually(
      async () => await readFile(`${done}.words`, "utf8").catch(() => ""),
      (text) => text !== "",
    );
    expect(words).toBe(`garbage-collect --delete-untagged ${folder.at("config.yml")}\n`);
    process.kill(keep.pid, "SIGTERM");
    await Bun.sleep(700);
    const refused = await fetch(`${keep.url}/gc`, { method: "POST" });
    expect(refused.status).toBe(503);
    expect((await fetch(`${keep.url}/readyz`)).status).toBe(503);
    process.kill(keep.pid, "SIGTERM");
    expect(await keep.ended).toMatchObject({ code: 0 });
    expect(await readFile(done, "utf8")).toBe("whole\n");
  }
  await using keep = await startKeep({ config });
  expect((await jobOf(keep, "gc")).last).toMatchObject({ outcome: "done", manifests: 1 });
});
