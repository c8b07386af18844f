import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { keepCommand } from "../../src/cli/keep.ts";
import { readConfig } from "../../src/config/load.ts";
import { runCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { jobOf, startKeep } from "../support/keep.ts";

setDefaultTimeout(60_000);

const hub = { name: "hub", url: "127.0.0.1:1", prune: { every: "1h" } };

async function configured(folder: Folder, settings: object): Promise<string> {
  const config = folder.at("wharf.yaml");
  const { keep = {}, ...others } = settings as { keep?: object };
  const all = { keep: { state: folder.at("state"), ...keep }, ...others };
  await writeFile(config, JSON.stringify(all));
  return config;
}

test("the example in docs/keep.md is a configuration", async () => {
  await using folder = await temporaryFolder();
  const page = await Bun.file("docs/keep.md").text();
  const [, example = ""] = /```yaml\n(# wharf\.yaml\n.*?)```/s.exec(page) ?? [];
  const file = folder.at("wharf.yaml");
  await writeFile(file, example);
  const environment = { KEEP_PASSWORD: "s3cret" };
  const { config } = readConfig({ file, environment, flags: {} });
  expect(config.registries).toMatchObject([{ name: "hub", collect: { with: "tree" } }]);
  expect(config.keep.password).toBe("s3cret");
});

describe("wharf keep does not start", () => {
  const refused: readonly (readonly [string, object, RegExp])[] = [
    ["without registries", { registries: [] }, /registries: there is none to look after/],
    [
      "with an address that is none",
      { registries: [{ ...hub, url: "http://a/b" }] },
      /registries: hub: url: .*must end after the host/,
    ],
    [
      "with a schedule that is none",
      { registries: [{ ...hub, prune: { schedule: "every night" } }] },
      /registries\[?\.?0\]?\.prune\.schedule/,
    ],
    [
      "with an interval that never ends",
      { registries: [{ ...hub, prune: { every: "0s" } }] },
      /must be at least 1s/,
    ],
    [
      "with a collector whose configuration is not there",
      { registries: [{ ...hub, collect: { with: "tree", config: "/nowhere/config.yml" } }] },
      /registries: hub: collect: \/nowhere\/config\.yml: it cannot be read/,
    ],
    [
      "with a collector whose program is not there",
      { registries: [{ ...hub, collect: { with: "docker-exec", container: "hub" } }] },
      /registries: hub: collect: docker: no such program/,
    ],
    [
      "with a container that is an option",
      { registries: [{ ...hub, collect: { with: "docker-exec", container: "--privileged" } }] },
      /must be the name of a container/,
    ],
    [
      "with a user who has no password",
      { registries: [hub], keep: { username: "admin" } },
      /username and password belong together/,
    ],
    [
      "with a state that cannot be written",
      { registries: [hub], keep: { state: "/proc/nowhere" } },
      /keep\.state: \/proc\/nowhere/,
    ],
  ];
  for (const [what, settings, says] of refused) {
    test(what, async () => {
      await using folder = await temporaryFolder();
      const config = await configured(folder, settings);
      const args = [config, "--listen", "127.0.0.1:0"];
      const { exit, err } = await runCommand(keepCommand, args, { environment: { PATH: "" } });
      expect(err.at(-1)).toMatch(says);
      expect(exit).toBe(2);
    });
  }

  test("with a damaged state, and says so", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("wharf-keep.sqlite"), "x".repeat(5000));
    const config = await configured(folder, { registries: [hub], keep: { state: folder.path } });
    const { exit, err } = await runCommand(keepCommand, [config, "--listen", "127.0.0.1:0"]);
    expect(err.at(-1)).toContain("what `wharf keep` has written down cannot be used");
    expect(exit).toBe(1);
  });

  test("twice with the same state", async () => {
    await using folder = await temporaryFolder();
    const config = await configured(folder, { registries: [hub] });
    await using keep = await startKeep({ config });
    const { exit, err } = await runCommand(keepCommand, [config, "--listen", "127.0.0.1:0"]);
    expect(err.at(-1)).toContain(`process ${keep.pid} has it open`);
    expect(exit).toBe(1);
  });

  test("where somebody listens already", async () => {
    await using folder = await temporaryFolder();
    const config = await configured(folder, { registries: [hub] });
    using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const listen = `127.0.0.1:${other.port}`;
    const { exit, err } = await runCommand(keepCommand, [config, "--listen", listen]);
    expect(err.at(-1)).toContain(`cannot listen on ${listen}`);
    expect(exit).toBe(2);
  });
});

describe("wharf keep", () => {
  test("goes by a configuration that has changed, and by none of one that is wrong", async () => {
    await using folder = await temporaryFolder();
    const keep = { username: "admin", password: "s3cret" };
    const config = await configured(folder, { registries: [hub], keep });
    await using running = await startKeep({ config });
    const names = async (): Promise<string[]> => {
      const headers = { authorization: `Basic ${btoa("admin:s3cret")}` };
      const reply = await fetch(`${running.url}/registries`, { headers });
      const { registries } = (await reply.json()) as { registries: { registry: string }[] };
      return registries.map(({ registry }) => registry);
    };
    const reloaded = async (says: string, times = 1): Promise<void> => {
      process.kill(running.pid, "SIGHUP");
      const logs = await eventually(
        async () => running.logs(),
        (text) => text.split(says).length > times,
      );
      expect(logs).toContain(says);
    };
    expect(await names()).toEqual(["hub"]);

    await configured(folder, { registries: [hub, { ...hub, name: "other" }], keep });
    await reloaded("the configuration was read again");
    expect(await names()).toEqual(["hub", "other"]);

    await configured(folder, { registries: [], keep });
    await reloaded("all goes on as before");
    await configured(folder, { registries: [hub] });
    await reloaded("keep.password: it was set, and is not any more");
    expect(await names()).toEqual(["hub", "other"]);

    await configured(folder, {
      registries: [hub],
      keep: { ...keep, state: folder.at("elsewhere") },
    });
    await reloaded("only a restart applies it");
    expect(await names()).toEqual(["hub"]);
    expect(running.logs()).not.toContain("s3cret");
  });

  test("stops at once while it only reads, and goes on after a restart", async () => {
    await using folder = await temporaryFolder();
    using hanging = hangingAt(() => true);
    const config = await configured(folder, { retention: EVERYTHING, registries: [hanging.entry] });
    {
      await using keep = await startKeep({ config });
      const reply = await fetch(`${keep.url}/prune`, { method: "POST" });
      expect(await reply.text()).toBe("prune started");
      await hanging.asked(1);
      process.kill(keep.pid, "SIGTERM");
      expect(await keep.ended).toMatchObject({ code: 0 });
      expect(keep.logs()).not.toContain("stopping at the nearest safe point");
    }
    await using keep = await startKeep({ config });
    await hanging.asked(2);
    expect((await jobOf(keep, "prune")).running).toBe(true);
    expect(keep.logs()).toContain("left-over");
    await keep.stop("SIGKILL");
  });

  test("stops at a safe point while it removes, and at once when it is told twice", async () => {
    await using folder = await temporaryFolder();
    using hanging = hangingAt((method) => method === "DELETE");
    const config = await configured(folder, { retention: EVERYTHING, registries: [hanging.entry] });
    await using keep = await startKeep({ config });
    await fetch(`${keep.url}/prune`, { method: "POST" });
    await hanging.asked(1);
    let over = false;
    void keep.ended.then(() => (over = true));
    process.kill(keep.pid, "SIGTERM");
    await Bun.sleep(1000);
    expect(over).toBe(false);
    process.kill(keep.pid, "SIGTERM");
    expect(await keep.ended).toMatchObject({ code: 0 });
    expect(keep.logs()).toContain("stopping at the nearest safe point");
  });

  test("is stopped in a moment when nothing goes on, with what it was told on the disk", async () => {
    await using folder = await temporaryFolder();
    const config = await configured(folder, { registries: [hub] });
    const digest = `sha256:${"a".repeat(64)}`;
    {
      await using keep = await startKeep({ config });
      const events = [{ action: "pull", target: { repository: "app", digest } }];
      const body = JSON.stringify({ events });
      expect((await fetch(`${keep.url}/events`, { method: "POST", body })).status).toBe(202);
      expect(await keep.stop()).toMatchObject({ code: 0 });
    }
    const { openKeepState } = await import("../../src/keep/state.ts");
    const state = openKeepState(folder.at("state"));
    const pulled = await state.timesOf("hub").pulled("app" as never, [digest as never], Date.now());
    expect(pulled.size).toBe(1);
    state.close();
  });
});

const EVERYTHING = [
  {
    name: "all",
    repositories: ["**"],
    delete: [{ tags: ["*"] }],
    limits: { emptyRepositories: true, maxDelete: "100%" },
  },
];

/** A registry with one image that takes some questions, and never answers those. */
function hangingAt(never: (method: string) => boolean) {
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.oci.empty.v1+json",
      digest: `sha256:${"a".repeat(64)}`,
      size: 2,
    },
    layers: [],
  });
  const digest = `sha256:${new Bun.CryptoHasher("sha256").update(manifest).digest("hex")}`;
  const headers = {
    "content-type": "application/vnd.oci.image.manifest.v1+json",
    "docker-content-digest": digest,
  };
  let asked = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 255,
    async fetch({ url, method }) {
      if (never(method)) {
        asked++;
        await Bun.sleep(100_000);
      }
      const { pathname } = new URL(url);
      if (pathname === "/v2/") return Response.json({});
      if (pathname === "/v2/_catalog") return Response.json({ repositories: ["app"] });
      if (pathname === "/v2/app/tags/list") return Response.json({ name: "app", tags: ["x"] });
      if (!pathname.startsWith("/v2/app/manifests/")) return new Response(null, { status: 404 });
      return new Response(manifest, { headers });
    },
  });
  return {
    entry: { name: "hub", url: `127.0.0.1:${server.port}`, type: "oci" },
    asked: async (count: number) =>
      await eventually(
        async () => asked,
        (now) => now >= count,
      ),
    [Symbol.dispose]: () => void server.stop(true),
  };
}
