import { expect, test } from "bun:test";
import { parse } from "yaml";
import { pruneCommand } from "../../src/cli/prune.ts";
import { schema } from "../../src/config/schema.ts";
import { type Ran, runCommand } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";
import { image, index } from "../support/image.ts";
import { fill } from "../support/stand-ins/fill.ts";
import { type StandIn, startStandIn } from "../support/stand-ins/stand-in.ts";
import { PRUNING, type User } from "../support/stand-ins/users.ts";

const ROBOT: User = {
  name: "robot$ci+prune",
  password: "it-is-a-secret",
  projects: [{ project: "ci", rights: PRUNING }],
};
const OLD = Date.UTC(2026, 0, 2);

interface Place extends AsyncDisposable {
  readonly standIn: StandIn;
  tags(repository: string): string[];
  prune(...args: string[]): Promise<Ran>;
}

/** A Harbor with a project of ours and a public one that is somebody else's. */
async function place({ password = ROBOT.password } = {}): Promise<Place> {
  const folder = await temporaryFolder();
  const standIn = startStandIn("harbor", { users: [ROBOT] });
  standIn.harbor?.addProject("ci", { immutable: ["pr-fixed"] });
  standIn.harbor?.addProject("open", { open: true });
  const { content } = standIn;
  content.now = OLD;
  const [shared, fixed] = [image(), image()];
  fill(content, "ci/team/web", index([image(), image()]), "pr-1");
  fill(content, "ci/team/web", shared, "pr-2", "latest");
  fill(content, "ci/team/web", fixed, "pr-fixed", "pr-3");
  fill(content, "open/base", image(), "pr-4");
  content.now = null;
  fill(content, "ci/team/web", image(), "pr-young");
  await Bun.write(
    folder.at("wharf.yaml"),
    JSON.stringify({
      registries: [{ name: "harbor", url: standIn.url, username: ROBOT.name, password }],
      retention: [
        {
          name: "pr",
          repositories: ["ci/**", "open/**"],
          delete: [{ tags: ["pr-*"], olderThan: "14d" }],
          limits: { emptyRepositories: true },
        },
      ],
      keep: { state: folder.at("state") },
    }),
  );
  return {
    standIn,
    tags: (repository) => content.find(repository)?.tagNames() ?? [],
    prune: (...args) =>
      runCommand(pruneCommand, ["-c", folder.at("wharf.yaml"), ...args], {
        environment: { HOME: folder.path },
      }),
    async [Symbol.asyncDispose]() {
      await standIn[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a robot account prunes its project by the times that Harbor keeps, and pulls nothing", async () => {
  await using at = await place();

  const { exit, out } = await at.prune("harbor", "--repository", "ci/**", "--yes");

  expect({ exit, said: out.join("\n") }).toMatchObject({ exit: 0 });
  expect(at.tags("ci/team/web")).toEqual(["latest", "pr-fixed", "pr-young"]);
  const manifests = at.standIn.content.find("ci/team/web")?.manifests;
  expect(manifests?.size).toBe(3);
  expect([...(manifests?.values() ?? [])].map(({ pulledAt }) => pulledAt)).toEqual([
    null,
    null,
    null,
  ]);
  expect(at.standIn.heard.filter((line) => line.includes(" /v2/"))).toEqual([]);
});

test("an immutable tag is shown among what stays all the same", async () => {
  await using at = await place();

  const { exit, out } = await at.prune("harbor", "--dry-run");

  expect(exit).toBe(0);
  expect(out.join("\n")).toContain("pr-fixed");
  expect(out.join("\n")).toContain("immutable");
  expect(at.tags("ci/team/web")).toHaveLength(6);
});

test("what a robot may not delete fails by itself, and the rest is done", async () => {
  await using at = await place();

  const { exit, err, out } = await at.prune("harbor", "--yes");

  expect(exit).toBe(3);
  expect([...out, ...err].join("\n")).toContain("open/base");
  expect(at.tags("open/base")).toEqual(["pr-4"]);
  expect(at.tags("ci/team/web")).toEqual(["latest", "pr-fixed", "pr-young"]);
});

test("where the clocks differ nothing goes by age, both times are named, and the end is 5", async () => {
  await using at = await place();
  at.standIn.date = Date.UTC(2020, 0, 2, 3, 4, 5);

  const { exit, out, err } = await at.prune("harbor", "--repository", "ci/**", "--yes");

  const said = [...out, ...err].join("\n");
  expect({ exit, said }).toMatchObject({ exit: 5 });
  expect(said).toContain("2020-01-02T03:04:05.000Z at the registry");
  expect(at.tags("ci/team/web")).toHaveLength(6);

  at.standIn.date = null;
  expect((await at.prune("harbor", "--repository", "ci/**", "--yes")).exit).toBe(0);
  expect(at.tags("ci/team/web")).toHaveLength(3);
});

test("an image stays whose report has a tag of its own, the end is 5, and the rest is done", async () => {
  await using at = await place();
  const { content } = at.standIn;
  const one = image();
  content.now = OLD;
  fill(content, "ci/other", one, "pr-9");
  const artifactType = "application/vnd.report+json";
  fill(content, "ci/other", image({ subject: one.descriptor, artifactType }), "report");
  content.now = null;

  const { exit, out, err } = await at.prune("harbor", "--repository", "ci/**", "--yes");

  const said = [...out, ...err].join("\n");
  expect({ exit, said }).toMatchObject({ exit: 5 });
  expect(said).toContain("has the tag report");
  expect(at.tags("ci/other").toSorted()).toEqual(["pr-9", "report"]);
  expect(at.tags("ci/team/web")).toEqual(["latest", "pr-fixed", "pr-young"]);
});

test("a wrong password ends with 4, and without a word of it", async () => {
  await using at = await place({ password: "not-the-secret" });

  const { exit, err, out } = await at.prune("harbor", "--yes");

  expect(exit).toBe(4);
  expect(err.join("\n")).toContain("does not know this user and password");
  expect([...err, ...out].join("\n")).not.toContain("not-the-secret");
  expect(at.tags("open/base")).toEqual(["pr-4"]);
});

test("the wharf.yaml of docs/harbor.md is one", async () => {
  const page = await Bun.file("docs/harbor.md").text();
  const [, example = ""] = /```yaml\n(# wharf\.yaml\n.*?)```/s.exec(page) ?? [];
  const given = parse(example.replace(/passwordFile: .*/, "password: x"));
  const { success, error } = schema.safeParse(given);
  expect({ success, error: error?.message }).toMatchObject({ success: true });
});
