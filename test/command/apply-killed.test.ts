import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { pruneCommand } from "../../src/cli/prune.ts";
import { runCommand } from "../support/command.ts";
import { countingProxy } from "../support/counting-proxy.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { notServed } from "../support/pull.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(120_000);

const main = join(import.meta.dir, "..", "..", "src", "main.ts");
const REPOSITORIES = 14;
const POLICY = `
retention: [{ name: ci, repositories: ["**"], delete: [{ tags: ["pr-*"] }] }]
`;

test("an apply that is killed at any moment is done by the next one, and every removal is in the audit", async () => {
  await using folder = await temporaryFolder();
  const config = folder.at("wharf.yaml");
  await Bun.write(config, POLICY);
  await using server = await startWharf({ data: folder.at("data"), args: [config] });
  const kept = image();
  for (let n = 0; n < REPOSITORIES; n++) {
    await image().push(server.url, `app-${n}`, "pr-1");
    await image().push(server.url, `app-${n}`, "pr-2", "pr-3");
    await kept.push(server.url, `app-${n}`, "pr-4", "v1");
  }
  await using proxy = countingProxy(server.url);
  let deletes = 0;
  let onDelete = (_count: number): void => undefined;
  proxy.intercept = async ({ method }) => {
    if (method !== "DELETE") return undefined;
    onDelete(++deletes);
    await Bun.sleep(15);
    return undefined;
  };
  const environment = {
    XDG_STATE_HOME: folder.at("state"),
    HOME: folder.path,
    WHARF_REGISTRY: proxy.url,
  };
  const plan = folder.at("plan.json");
  expect((await runCommand(pruneCommand, ["--out", plan], { environment })).exit).toBe(0);
  const start = () =>
    Bun.spawn([process.execPath, main, "apply", plan, "--yes", "--json"], {
      env: { ...process.env, ...environment },
      stdout: "pipe",
      stderr: "pipe",
    });

  for (const moment of [3, 10, 12]) {
    deletes = 0;
    const killed = start();
    onDelete = (count) => void (count === moment && killed.kill("SIGKILL"));
    await killed.exited;
    expect(killed.signalCode).toBe("SIGKILL");
  }
  onDelete = () => undefined;
  const last = start();
  const [out, exit] = await Promise.all([new Response(last.stdout).text(), last.exited]);

  expect(exit).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ result: { outcome: "done" } });
  const audit = (await Bun.file(folder.at("state/wharfinger/audit.jsonl")).text()).trimEnd();
  const records = audit.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  for (let n = 0; n < REPOSITORIES; n++) {
    const answer = await fetch(`${server.url}/v2/app-${n}/tags/list`);
    expect(await answer.json()).toMatchObject({ tags: ["v1"] });
    expect(await notServed(server.url, `app-${n}`, "v1", kept)).toEqual([]);
    const mine = records.filter(({ repository }) => repository === `app-${n}`);
    const removed = mine.flatMap(({ tags }) => tags as string[]);
    expect([...new Set(removed)].toSorted()).toEqual(["pr-1", "pr-2", "pr-3", "pr-4"]);
  }
  const again = start();
  expect(await again.exited).toBe(0);
});
