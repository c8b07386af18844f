import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pruneCommand } from "../../src/cli/prune.ts";
import { trashCommand } from "../../src/cli/trash.ts";
import { runCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { type Server, startWharf } from "../support/server.ts";
import { serveWith } from "../support/serve-with.ts";

setDefaultTimeout(120_000);

const PATIENCE = 60_000;

interface Run {
  readonly outcome: string;
  readonly asked: boolean;
  readonly dryRun: boolean;
  readonly tags: number;
  readonly manifests: number;
  readonly bytes: { readonly freed: number; readonly shared: number };
  readonly reason: string | null;
}
interface Status {
  readonly state: string;
  readonly nextAt: number | null;
  readonly runs: readonly Run[];
}

const KEEP_RELEASES = {
  name: "all",
  repositories: ["**"],
  delete: [{ tags: ["pr-*"] }, { untagged: true }],
  keep: [{ tags: ["v*"] }],
};

async function statusOf({ url }: Pick<Server, "url">): Promise<Status> {
  return (await (await fetch(`${url}/api/v1/prune`)).json()) as Status;
}

async function ended(server: Pick<Server, "url">, runs = 1): Promise<readonly Run[]> {
  const all = await eventually(
    async () => await statusOf(server),
    (status) => status.state === "idle" && status.runs.length >= runs,
    PATIENCE,
  );
  return all.runs;
}

async function ask({ url }: Pick<Server, "url">, body?: object): Promise<Response> {
  return await fetch(`${url}/api/v1/prune`, {
    method: "POST",
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function tagsIn({ url }: Pick<Server, "url">, name: string): Promise<string[]> {
  const answer = await fetch(`${url}/v2/${name}/tags/list`);
  if (!answer.ok) return [];
  return ((await answer.json()) as { tags: string[] }).tags;
}

describe("wharf serve with policies", () => {
  test("prunes itself when asked, exactly, and gives all of it back", async () => {
    await using folder = await temporaryFolder();
    await using server = await serveWith(folder, { retention: [KEEP_RELEASES] });
    const [one, two, kept] = [image({ size: 5000 }), image({ size: 6000 }), image()];
    const multi = index([one, two]);
    await multi.push(server.url, "team/app", "pr-1", "pr-2");
    await image({ subject: multi.descriptor }).push(server.url, "team/app");
    await kept.push(server.url, "team/app", "v1", "pr-3");
    await image().push(server.url, "other", "pr-9", "v9");

    expect((await ask(server, { dryRun: true })).status).toBe(202);
    const [planned] = await ended(server);
    expect(planned).toMatchObject({ outcome: "planned", dryRun: true, asked: true, tags: 4 });
    expect(await tagsIn(server, "team/app")).toHaveLength(4);

    expect((await ask(server)).status).toBe(202);
    const [run] = await ended(server, 2);
    expect(run).toMatchObject({ outcome: "done", tags: 4, manifests: 4, reason: null });
    expect(run?.bytes).toEqual(planned!.bytes);
    const gone = [multi, one, two].flatMap((each) => [
      each.bytes,
      ...each.blobs.map((b) => b.bytes),
    ]);
    expect(run!.bytes.freed).toBeGreaterThan(gone.reduce((sum, { length }) => sum + length, 0));
    expect(await tagsIn(server, "team/app")).toEqual(["v1"]);
    expect(await tagsIn(server, "other")).toEqual(["v9"]);
    expect((await fetch(`${server.url}/v2/team/app/manifests/${one.digest}`)).status).toBe(404);

    const audit = await readFile(join(folder.at("data"), "wharfinger", "audit.jsonl"), "utf8");
    const records = audit
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(records).toContainEqual(
      expect.objectContaining({ repository: "other", action: "remove-tag", result: "done" }),
    );
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toMatch(/wharf_prune_runs_total\{registry="[^"]+",outcome="done"\} 1/);
    expect(metrics).toMatch(/wharf_prune_removed_total\{registry="[^"]+",kind="tag"\} 4/);
    expect(server.logs()).toContain("retention was applied");

    const args = ["restore", "team/app:pr-1", "team/app:pr-2", "--registry", server.url, "--yes"];
    expect((await runCommand(trashCommand, args)).exit).toBe(0);
    expect(await tagsIn(server, "team/app")).toEqual(["pr-1", "pr-2", "v1"]);
    const referrers = await fetch(`${server.url}/v2/team/app/referrers/${multi.digest}`);
    expect(((await referrers.json()) as { manifests: unknown[] }).manifests).toHaveLength(1);
    for (const { descriptor } of [...one.blobs, ...two.blobs]) {
      const blob = await fetch(`${server.url}/v2/team/app/blobs/${descriptor.digest}`);
      expect(blob.status).toBe(200);
    }
  });

  test("does so by itself at its start and at its times, while others push and pull", async () => {
    await using folder = await temporaryFolder();
    const prune = { every: "1s", atStart: true };
    await using server = await serveWith(folder, { retention: [KEEP_RELEASES], prune });
    await ended(server);
    const pushes = Array.from({ length: 20 }, async (_, at) => {
      const one = image();
      await one.push(server.url, `app-${at % 3}`, `v${at}`, `pr-${at}`);
      const pulled = await fetch(`${server.url}/v2/app-${at % 3}/manifests/v${at}`);
      expect(pulled.status).toBe(200);
    });
    await Promise.all(pushes);
    const left = async (): Promise<string[]> =>
      (await Promise.all([0, 1, 2].map((at) => tagsIn(server, `app-${at}`)))).flat();
    const tags = await eventually(left, (all) => all.length === 20, PATIENCE);
    expect(tags.every((tag) => tag.startsWith("v"))).toBe(true);
    const { runs, nextAt } = await statusOf(server);
    expect(runs.every(({ asked }) => !asked)).toBe(true);
    expect(nextAt).toBeGreaterThan(Date.now() - 5000);
  });

  test("goes by a new configuration, and never while it is read-only", async () => {
    await using folder = await temporaryFolder();
    await using server = await serveWith(folder, {});
    await image().push(server.url, "app", "pr-1");
    const refused = await ask(server);
    expect([refused.status, await refused.text()]).toEqual([
      409,
      expect.stringContaining("no policies"),
    ]);

    await server.configure({
      retention: [KEEP_RELEASES],
      prune: { every: "1s" },
      readOnly: true,
    });
    expect((await ask(server)).status).toBe(405);
    await Bun.sleep(1000);
    expect(await tagsIn(server, "app")).toEqual(["pr-1"]);
    expect((await statusOf(server)).runs).toEqual([]);

    const limited = { ...KEEP_RELEASES, limits: { emptyRepositories: true, maxDelete: "100%" } };
    await server.configure({ retention: [limited], prune: { every: "1s" } });
    const gone = async (): Promise<string[]> => await tagsIn(server, "app");
    expect(await eventually(gone, (tags) => tags.length === 0, PATIENCE)).toEqual([]);
  });

  test("leaves alone what limits protect, and says so", async () => {
    await using folder = await temporaryFolder();
    await using server = await serveWith(folder, { retention: [KEEP_RELEASES] });
    await image().push(server.url, "app", "pr-1");
    await ask(server);
    const [run] = await ended(server);
    expect(run).toMatchObject({ outcome: "refused", tags: 0 });
    expect(run?.reason).toContain("app");
    expect(await tagsIn(server, "app")).toEqual(["pr-1"]);
  });

  test("remembers its runs over a restart", async () => {
    await using folder = await temporaryFolder();
    {
      await using server = await serveWith(folder, { retention: [KEEP_RELEASES] });
      await image().push(server.url, "app", "pr-1", "v1");
      await ask(server);
      await ended(server);
    }
    await using again = await serveWith(folder, { retention: [KEEP_RELEASES] });
    expect((await statusOf(again)).runs).toMatchObject([{ outcome: "done", tags: 1 }]);
  });

  test("keeps what somebody runs, and everything while nobody knows what that is", async () => {
    await using folder = await temporaryFolder();
    const list = folder.at("in-use.txt");
    const keep = [{ inUse: [`file:${list}`] }];
    const retention = [{ ...KEEP_RELEASES, keep }];
    const [used, idle, untagged] = [image(), image(), image()];
    const gc = { grace: "1s", untaggedAfter: "1s" };
    await using server = await serveWith(folder, { retention, gc });
    await used.push(server.url, "app", "pr-1");
    await idle.push(server.url, "app", "pr-2");
    await untagged.push(server.url, "app");

    await ask(server);
    expect((await ended(server))[0]).toMatchObject({ outcome: "failed", tags: 0 });
    const collected = async (): Promise<string> =>
      await (await fetch(`${server.url}/api/v1/gc`)).text();
    await eventually(collected, (text) => text.includes("in-use.txt"), PATIENCE);
    expect((await fetch(`${server.url}/v2/app/manifests/${untagged.digest}`)).status).toBe(200);

    await writeFile(list, `registry.example/app:pr-1\napp@${untagged.digest}\n`);
    await ask(server);
    expect((await ended(server, 2))[0]).toMatchObject({ outcome: "done", tags: 1 });
    expect(await tagsIn(server, "app")).toEqual(["pr-1"]);
    expect((await fetch(`${server.url}/v2/app/manifests/${untagged.digest}`)).status).toBe(200);
  });
});

describe("wharf prune", () => {
  const policies = async (folder: Folder): Promise<string> => {
    const file = folder.at("policies.yaml");
    await writeFile(
      file,
      JSON.stringify({ retention: [KEEP_RELEASES], keep: { state: folder.at("state") } }),
    );
    return file;
  };

  test("prunes the running registry by its own policies", async () => {
    await using folder = await temporaryFolder();
    await using server = await serveWith(folder, { retention: [KEEP_RELEASES] });
    await image().push(server.url, "app", "pr-1", "v1");
    const person = { environment: { XDG_STATE_HOME: folder.at("state") } };
    const shown = await runCommand(pruneCommand, ["--registry", server.url, "-n"], person);
    expect(shown.exit).toBe(0);
    expect(shown.out.join("\n")).toContain("pr-1");
    expect(await tagsIn(server, "app")).toEqual(["pr-1", "v1"]);

    const done = await runCommand(pruneCommand, ["--registry", server.url, "--yes"], person);
    expect(done.exit).toBe(0);
    expect(await tagsIn(server, "app")).toEqual(["v1"]);
  });

  test("prunes a folder: through its server while that runs, and by itself when it does not", async () => {
    await using folder = await temporaryFolder();
    const data = folder.at("data");
    const config = await policies(folder);
    {
      await using server = await startWharf({ data });
      await image().push(server.url, "app", "pr-1", "v1");
      const { exit } = await runCommand(pruneCommand, ["--data", data, "-c", config, "--yes"]);
      expect(exit).toBe(0);
      expect(await tagsIn(server, "app")).toEqual(["v1"]);
      await image().push(server.url, "app", "pr-2");
    }
    const { exit, out } = await runCommand(pruneCommand, [
      "--data",
      data,
      "-c",
      config,
      "--yes",
      "--json",
    ]);
    expect(exit).toBe(0);
    expect(out.join("")).toContain("pr-2");
    await using again = await startWharf({ data });
    expect(await tagsIn(again, "app")).toEqual(["v1"]);
  });
});

test("an interval goes on over restarts, however often a registry is started", async () => {
  await using folder = await temporaryFolder();
  const settings = { retention: [KEEP_RELEASES], prune: { every: "1h" } };
  const nextOf = async (): Promise<number> => {
    await using server = await serveWith(folder, settings);
    // It is known when the tree was compared, which an empty one is in a moment.
    await Bun.sleep(1000);
    return (await statusOf(server)).nextAt ?? 0;
  };

  const first = await nextOf();
  expect(first).toBeGreaterThan(0);
  expect(await nextOf()).toBe(first);
});

describe("a run that kill -9 cuts off", () => {
  test("is known as such afterwards, leaves no image in parts, and the next one ends it", async () => {
    await using folder = await temporaryFolder();
    const retention = [KEEP_RELEASES];
    const multi = Array.from({ length: 40 }, () => index([image({ size: 200 })]));
    {
      await using server = await serveWith(folder, { retention });
      await Promise.all(multi.map((one, at) => one.push(server.url, `app-${at % 4}`, `pr-${at}`)));
      await Promise.all([0, 1, 2, 3].map((at) => image().push(server.url, `app-${at}`, "v1")));
      const asked = ask(server).catch(() => null);
      await asked;
      await server.stop("SIGKILL");
    }
    await using server = await serveWith(folder, { retention });
    const [first] = (await statusOf(server)).runs;
    expect(["cut off", "done"]).toContain(first?.outcome ?? "");
    for (const name of [0, 1, 2, 3].map((at) => `app-${at}`)) {
      for (const tag of await tagsIn(server, name)) {
        const one = await fetch(`${server.url}/v2/${name}/manifests/${tag}`);
        const { manifests = [] } = (await one.json()) as { manifests?: { digest: string }[] };
        for (const { digest } of manifests) {
          const child = await fetch(`${server.url}/v2/${name}/manifests/${digest}`);
          expect([tag, child.status]).toEqual([tag, 200]);
        }
      }
    }
    await ask(server);
    const [last] = await ended(server, 2);
    expect(["done", "planned"]).toContain(last?.outcome ?? "");
    for (const at of [0, 1, 2, 3]) expect(await tagsIn(server, `app-${at}`)).toEqual(["v1"]);
  });
});
