import { expect, setDefaultTimeout, test } from "bun:test";
import { applyCommand } from "../../src/cli/apply.ts";
import { pruneCommand } from "../../src/cli/prune.ts";
import { type Ran, runCommand } from "../support/command.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { type Fixture, image, index } from "../support/image.ts";
import { notServed } from "../support/pull.ts";
import { startWharf } from "../support/server.ts";

setDefaultTimeout(60_000);

const POLICY = `
retention:
  - name: ci
    repositories: ["team/**"]
    delete: [{ tags: ["pr-*"] }]
    keep: [{ tags: ["pr-keep"] }]
`;

interface Place extends AsyncDisposable {
  readonly url: string;
  readonly folder: Folder;
  readonly one: Fixture;
  readonly shared: Fixture;
  readonly multi: Fixture;
  prune(...args: string[]): Promise<Ran>;
  apply(...args: string[]): Promise<Ran>;
  tags(repository: string): Promise<string[]>;
  audit(): Promise<Record<string, unknown>[]>;
}

/** A registry of ours with a policy, and images of which some are to go. */
async function place(policy = POLICY): Promise<Place> {
  const folder = await temporaryFolder();
  const config = folder.at("wharf.yaml");
  await Bun.write(config, policy);
  const server = await startWharf({ data: folder.at("data"), args: [config] });
  const [one, shared] = [image({ layers: 2 }), image()];
  const multi = index([image(), image()]);
  await one.push(server.url, "team/app", "pr-1");
  await shared.push(server.url, "team/app", "pr-2", "latest");
  await multi.push(server.url, "team/multi", "pr-3");
  await image().push(server.url, "team/multi", "v1");
  await image().push(server.url, "other", "pr-4");
  const environment = { XDG_STATE_HOME: folder.at("state"), HOME: folder.path };
  const person = { environment: { ...environment, WHARF_REGISTRY: server.url } };
  return {
    url: server.url,
    folder,
    one,
    shared,
    multi,
    prune: (...args) => runCommand(pruneCommand, args, person),
    apply: (...args) => runCommand(applyCommand, args, person),
    async tags(repository) {
      const answer = await fetch(`${server.url}/v2/${repository}/tags/list`);
      return ((await answer.json()) as { tags: string[] }).tags;
    },
    async audit() {
      const text = await Bun.file(folder.at("state/wharfinger/audit.jsonl")).text();
      return text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("prune deletes by the policies of the running registry what they let go, and nothing else", async () => {
  await using at = await place();

  const { exit, out, err } = await at.prune("--yes");

  expect({ exit, err }).toMatchObject({ exit: 0 });
  expect(out.join("\n")).toStartWith("deleted 3 tags and 4 manifests");
  expect(await at.tags("team/app")).toEqual(["latest"]);
  expect(await at.tags("team/multi")).toEqual(["v1"]);
  expect(await at.tags("other")).toEqual(["pr-4"]);
  expect(await notServed(at.url, "team/app", "latest", at.shared)).toEqual([]);
  const audit = await at.audit();
  expect(audit).toHaveLength(5);
  expect(audit[0]).toMatchObject({ rule: "delete.0", policy: "ci", result: "done" });
  expect(await at.prune("--yes")).toMatchObject({ exit: 0 });
});

test("prune shows what would go and why, asks, and without an answer does nothing", async () => {
  await using at = await place();

  const { exit, err } = await at.prune();

  expect(exit).toBe(2);
  const text = err.join("\n");
  expect(text).toContain("team/app  (policy ci): 2 of 3 tags");
  expect(text).toContain("pr-1");
  expect(text).toContain("its image stays for latest");
  expect(text).toContain("nothing was deleted");
  expect(await at.tags("team/app")).toEqual(["latest", "pr-1", "pr-2"]);
});

test("a plan that is saved is applied later, and once more, with the same end", async () => {
  await using at = await place();
  const file = at.folder.at("plan.json");
  expect((await at.prune("--out", file)).exit).toBe(0);
  expect(await at.tags("team/app")).toHaveLength(3);

  const first = await at.apply(file, "--yes");
  const second = await at.apply(file, "--yes");

  expect(first).toMatchObject({ exit: 0 });
  expect(second).toMatchObject({ exit: 0 });
  expect(await at.tags("team/app")).toEqual(["latest"]);
});

test("a tag that moved after the plan was made stays, with its repository, and the others are done", async () => {
  await using at = await place();
  const file = at.folder.at("plan.json");
  await at.prune("--out", file);
  const moved = image();
  await moved.push(at.url, "team/app", "pr-1");

  const { exit, err } = await at.apply(file, "--yes");

  expect(exit).toBe(5);
  expect(err.join("\n")).toContain("team/app: has changed since the plan was made");
  expect(await at.tags("team/app")).toEqual(["latest", "pr-1", "pr-2"]);
  expect(await at.tags("team/multi")).toEqual(["v1"]);
  expect(await notServed(at.url, "team/app", "pr-1", moved)).toEqual([]);
});

test("explain says which rule decides", async () => {
  await using at = await place();
  await image().push(at.url, "team/app", "pr-keep");
  const lines = async (tag: string): Promise<string> =>
    (await at.prune("--explain", `team/app:${tag}`)).out.join("\n");

  expect(await lines("pr-1")).toContain("team/app:pr-1 goes by delete.0 of policy");
  expect(await lines("pr-1")).toContain("delete.0 holds: matches pr-*: yes");
  expect(await lines("pr-keep")).toContain("team/app:pr-keep stays by keep.0 of policy");
  expect(await lines("pr-keep")).toContain("It would go without keep.0.");
  expect(await lines("latest")).toContain("no delete rule names it");
  expect(await lines("latest")).toContain("by delete.0 if it were one that matches pr-*");
  expect((await at.prune("--explain", "team/app:none")).exit).toBe(1);
  expect((await at.prune("--explain", "team/app")).exit).toBe(2);
});

test("a repository that would lose all of its tags is kept whole unless the policy says otherwise", async () => {
  await using at = await place();
  await image().push(at.url, "team/all", "pr-9");

  const { exit, err } = await at.prune("--yes");

  expect(exit).toBe(5);
  expect(err.join("\n")).toContain("team/all: it would lose all of its tags");
  expect(await at.tags("team/all")).toEqual(["pr-9"]);
  expect(await at.tags("team/multi")).toEqual(["v1"]);
});

test("retention without a policy is a usage error, never nothing to do", async () => {
  await using at = await place("log: { level: info }\n");

  const { exit, err } = await at.prune("--yes");

  expect({ exit, last: err.at(-1) }).toEqual({
    exit: 2,
    last: expect.stringContaining("there is no policy in force"),
  });
});

test("json is one document with the plan and what became of it", async () => {
  await using at = await place();

  const { exit, out } = await at.prune("--yes", "--json", "--repository", "team/app");

  expect(exit).toBe(0);
  const document = JSON.parse(out.join("\n"));
  expect(document).toMatchObject({
    schemaVersion: 1,
    dryRun: false,
    registries: [
      {
        plan: { kind: "prune", totals: { tags: { all: 3, deleted: 2 }, manifests: 1 } },
        result: { kind: "prune-result", outcome: "done" },
      },
    ],
  });
  expect(await at.tags("team/multi")).toEqual(["pr-3", "v1"]);
});
