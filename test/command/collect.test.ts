import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { gcCommand } from "../../src/cli/gc.ts";
import { runCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { startWharf } from "../support/server.ts";
import { inTree } from "../support/tree.ts";

setDefaultTimeout(120_000);

const SOON = { WHARF_GC_GRACE: "1s", WHARF_GC_UNTAGGED_AFTER: "1s" };

interface Status {
  readonly state: string;
  readonly obstacle: { readonly reason: string } | null;
  readonly nextAt: number | null;
  readonly runs: readonly { readonly outcome: string; readonly asked: boolean }[];
}

async function statusOf({ url }: { readonly url: string }): Promise<Status> {
  return (await (await fetch(`${url}/api/v1/gc`)).json()) as Status;
}

/** As soon as one has ended. */
async function runsOf(server: { readonly url: string }): Promise<Status["runs"]> {
  const ask = async (): Promise<Status["runs"]> => (await statusOf(server)).runs;
  return await eventually(ask, (runs) => runs.length > 0, PATIENCE);
}

const PATIENCE = 60_000;

describe("wharf serve", () => {
  test("collects by itself what was untagged long enough, and tells in log and metrics", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    await using server = await startWharf({ data, env: SOON });
    const [dead, live] = [image({ size: 40_000 }), image({ size: 40_000 })];
    await dead.push(server.url, "app", "old");
    await live.push(server.url, "app", "new");
    await fetch(`${server.url}/v2/app/manifests/old`, { method: "DELETE" });

    const tree = inTree(data);
    const layer = dead.blobs.at(-1)?.descriptor.digest ?? "";
    const isThere = async (): Promise<boolean> => existsSync(tree.blob(layer));
    expect(await eventually(isThere, (there) => !there, PATIENCE)).toBe(false);

    expect(existsSync(tree.blob(live.digest))).toBe(true);
    const [run] = await runsOf(server);
    expect(run).toMatchObject({ outcome: "done", asked: false });
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/wharf_gc_removed_total\{kind="manifests"\} 1/);
    expect(metrics).toMatch(/wharf_gc_runs_total\{outcome="done"\} [1-9]/);
    expect(server.logs()).toContain("garbage was collected");
  });

  test("collects nothing by itself when that is switched off, until a reload switches it on", async () => {
    await using folder = await temporaryFolder();
    const config = folder.at("wharf.yaml");
    const settings = (enabled: boolean): string =>
      `gc: { enabled: ${enabled}, grace: 1s, untaggedAfter: 1s }\n`;
    await writeFile(config, settings(false));
    const data = folder.at("data");
    await using server = await startWharf({ data, args: ["--config", config] });
    const dead = image({ size: 40_000 });
    await dead.push(server.url, "app");
    await Bun.sleep(2500);
    expect(await statusOf(server)).toMatchObject({ state: "idle", nextAt: null, runs: [] });

    await writeFile(config, settings(true));
    process.kill(server.pid, "SIGHUP");
    const [run] = await runsOf(server);
    expect(run).toMatchObject({ outcome: "done", asked: false });
  });

  test("does not collect in read-only mode, and says why", async () => {
    await using folder = await temporaryFolder();
    const env = { ...SOON, WHARF_READ_ONLY: "true" };
    await using server = await startWharf({ data: folder.at("data"), env });

    expect((await statusOf(server)).obstacle?.reason).toContain("read-only");
    const refused = await fetch(`${server.url}/api/v1/gc`, { method: "POST" });
    expect(refused.status).toBe(405);
  });

  test("is asked by a command that names its folder, and does what it would do itself", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const env = { ...SOON, WHARF_GC_ENABLED: "false" };
    await using server = await startWharf({ data, env });
    const dead = image({ size: 40_000 });
    await dead.push(server.url, "app");
    await Bun.sleep(2500);

    const shown = await runCommand(gcCommand, [data, "-n"], {});
    expect([shown.exit, shown.err]).toEqual([0, []]);
    expect(shown.out.join("\n")).toContain("1 untagged");
    const { exit, out } = await runCommand(gcCommand, [data, "--yes"], {});
    expect(exit).toBe(0);
    expect(out.at(-1)).toContain("collected 1 manifest, 2 layer links");
    expect((await statusOf(server)).runs[0]).toMatchObject({ asked: true, outcome: "done" });
  });
});
