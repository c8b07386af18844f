import { describe, expect, test } from "bun:test";
import { startRegistry, type TestRegistry } from "../../test/protocol/support/registry.ts";
import { type Person, type Ran, runCommand } from "../../test/support/command.ts";
import { fakeRegistry } from "../../test/support/fake-registry.ts";
import { type Fixture, image } from "../../test/support/image.ts";
import { gcCommand } from "./gc.ts";

const LARGE = 40_000;

async function run(
  registry: { readonly url: string },
  args: readonly string[] = [],
  person: Person = {},
): Promise<Ran> {
  const environment = { WHARF_REGISTRY: registry.url };
  return await runCommand(gcCommand, args, { environment, ...person });
}

/** A registry with an image that is garbage, and one that is not. */
async function littered(): Promise<{ registry: TestRegistry; dead: Fixture }> {
  const registry = await startRegistry({ grace: 1 });
  const [dead, live] = [image({ size: LARGE }), image({ size: LARGE })];
  await dead.push(registry.url, "team/app", "old");
  await live.push(registry.url, "team/app", "new");
  await registry.opened.collecting.drain();
  await registry.ask("DELETE", "/v2/team/app/manifests/old");
  await Bun.sleep(5);
  return { registry, dead };
}

const has = async ({ url }: TestRegistry, { digest }: Fixture): Promise<boolean> =>
  (await fetch(`${url}/v2/team/app/manifests/${digest}`, { method: "HEAD" })).ok;

describe("wharf gc without a folder", () => {
  test("shows what goes and why, collects, and ends with counts and bytes", async () => {
    const { registry, dead } = await littered();
    await using _ = registry;

    const { exit, out, err } = await run(registry, ["--yes"]);

    const bytes = [dead, ...dead.blobs].reduce((sum, one) => sum + one.bytes.length, 0);
    expect(err.join("\n")).toContain("team/app");
    expect(err.join("\n")).toContain("1 untagged");
    expect(exit).toBe(0);
    expect(out.at(-1)).toContain("collected 1 manifest, 2 layer links, 3 blobs");
    expect(out.at(-1)).toContain(`(${bytes} bytes) went to the trash`);
    expect(await has(registry, dead)).toBe(false);
  });

  test("only shows with --dry-run", async () => {
    const { registry, dead } = await littered();
    await using _ = registry;

    const { exit, out } = await run(registry, ["-n", "--yes"]);

    expect(exit).toBe(0);
    expect(out.join("\n")).toContain("1 manifest, 2 layer links, 3 blobs");
    expect(await has(registry, dead)).toBe(true);
  });

  test("asks a person, and takes no for an answer", async () => {
    const { registry, dead } = await littered();
    await using _ = registry;

    expect((await run(registry, [], { answers: "n" })).exit).toBe(2);
    expect((await run(registry)).exit).toBe(2);
    expect(await has(registry, dead)).toBe(true);
    expect((await run(registry, [], { answers: "y" })).exit).toBe(0);
    expect(await has(registry, dead)).toBe(false);
  });

  test("says all in one document with --json", async () => {
    const { registry } = await littered();
    await using _ = registry;

    const { out } = await run(registry, ["--json", "--yes", "-q"]);

    const document = JSON.parse(out.join("\n"));
    expect(document).toMatchObject({
      schemaVersion: 1,
      dryRun: false,
      manifests: { live: 1, garbage: 1 },
      blobs: { live: 3, garbage: 3 },
      run: { outcome: "done", manifests: 1, links: 2, blobs: 3 },
      plan: [{ repository: "team/app", manifests: [{ reason: "untagged" }] }],
    });
    expect(document.run.bytes).toBe(document.bytes.garbage);
  });

  test("does nothing where there is nothing to do", async () => {
    await using registry = await startRegistry({ grace: 1 });
    await image().push(registry.url, "app", "1");

    const { exit, err } = await run(registry);
    expect(exit).toBe(0);
    expect(err.join("\n")).toContain("0 manifests, 0 layer links, 0 blobs");
  });

  test("does not wait for a registry that is too young, and says so", async () => {
    await using registry = await startRegistry();

    const { exit, err } = await run(registry, ["--yes"]);
    expect(exit).toBe(0);
    expect(err.join("\n")).toMatch(/begins by itself in (59|60) min: .*less than the grace ago/);
  });

  test("refuses what only a folder has", async () => {
    const { exit, err } = await run({ url: "http://127.0.0.1:1" }, ["--purge"]);

    expect(exit).toBe(2);
    expect(err.join("\n")).toContain("--purge is for a folder");
  });

  test("says that another registry cannot collect", async () => {
    await using other = fakeRegistry(() => new Response("404 page not found", { status: 404 }));

    const { exit, err } = await run(other, ["--yes"]);
    expect(exit).not.toBe(0);
    expect(err.join("\n")).not.toContain("    at ");
  });
});
