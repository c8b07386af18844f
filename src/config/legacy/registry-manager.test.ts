import { describe, expect, test } from "bun:test";
import { legacyFile, read, readText, refused, taken } from "../../../test/support/legacy-config.ts";

const REGISTRIES = `registries:
  harbor:
    registry: https://harbor.example
    username: admin
    password: 0123456
    insecure: true
    repositories: [library/redis:5.0.12, library/mysql]
  Plain: { registry: plain.example }
`;

function policy(lines: string): string {
  return `${REGISTRIES}delete-policy:\n  registries: [Harbor, plain]\n${lines}\n`;
}

describe("the config.yml of registry-manager", () => {
  test("that people have is taken", () => {
    const loaded = read(legacyFile("registry-manager/config.yml"));
    const { retention, registries } = taken(loaded);

    expect(loaded).toMatchObject({ tool: "registry-manager" });
    expect(retention.map(({ name }) => name)).toEqual(["harbor library/redis", "delete-policy"]);
    expect(registries).toMatchObject([
      {
        name: "harbor",
        url: "https://harbor.io",
        username: "admin",
        password: "harbor12345",
        insecure: true,
        repositories: ["library/redis", "library/mysql"],
        policies: ["harbor library/redis", "delete-policy"],
        prune: { dryRun: true },
      },
      { name: "aliyun", insecure: false, policies: ["delete-policy"], prune: { dryRun: true } },
    ]);
    expect(registries[1]?.repositories).toBeUndefined();
  });

  test("deletes a tag that its list names, that one tag, past every rule", async () => {
    const { retention, registries } = taken(await readText(policy("  mix-count: 3")));

    expect(retention).toMatchObject([
      { repositories: ["library/redis"], delete: [{ tags: ["5.0.12"] }], keep: [] },
    ]);
    expect(registries.map(({ policies }) => policies)).toEqual([["harbor library/redis"], []]);
    expect(registries[0]?.password).toBe("0123456");
  });

  test("keeps the rules for a repository that is listed as a whole too, but not for that tag", async () => {
    const both = policy("  mix-count: 3\n  tags: { include: { keys: dev } }").replace(
      "library/mysql",
      "library/redis",
    );
    const [direct] = taken(await readText(both)).retention;

    expect(direct?.delete).toMatchObject([
      { tags: ["5.0.12"] },
      { tags: ["/dev/"], version: true },
    ]);
    expect(direct?.keep).toMatchObject([
      { tagsAtMost: 3, except: ["5.0.12"] },
      { newest: 3, of: "doomed", except: ["5.0.12"] },
    ]);
    expect(direct?.limits.emptyRepositories).toBe(false);
  });

  test("has the tool's defaults: it only shows, and keeps ten", async () => {
    const { retention, registries } = taken(
      await readText(policy("  tags: { include: { keys: dev } }")),
    );

    expect(registries[1]?.prune?.dryRun).toBe(true);
    expect(retention.at(-1)?.keep).toMatchObject([
      { tagsAtMost: 10 },
      { version: true, newest: 10, of: "doomed", orderBy: "semver" },
    ]);
    expect(taken(await readText(policy("  dry-run: false"))).registries[1]?.prune?.dryRun).toBe(
      false,
    );
  });

  test("skips no small repository and keeps none of the doomed with mix-count 0", async () => {
    const given = policy("  mix-count: 0\n  tags: { include: { regex: '^dev-' } }");

    expect(taken(await readText(given)).retention.at(-1)).toMatchObject({
      delete: [{ tags: ["/^dev-/"] }],
      keep: [],
    });
  });

  test("with sem-ver deletes what is no version, and what exclude names stays all the same", async () => {
    const given = policy(
      "  sem-ver: true\n  tags: { exclude: { keys: keep, regex: ^latest$|^master$ } }",
    );

    expect(taken(await readText(given)).retention.at(-1)).toMatchObject({
      delete: [{ version: false }],
      keep: [{ tags: ["/^latest$|^master$/", "/keep/"] }, { tagsAtMost: 10 }, { of: "doomed" }],
    });
  });

  test("takes keys for literal parts of a tag, and empty ones for nothing", async () => {
    const given = policy("  tags: { include: { keys: ',a.b,, c+d ,' } }");

    expect(taken(await readText(given)).retention.at(-1)?.delete[0]?.tags).toEqual([
      String.raw`/a\.b/`,
      String.raw`/c\+d/`,
    ]);
    const none = taken(await readText(policy("  tags: { include: { keys: ',,' } }")));
    expect(none.retention.map(({ name }) => name)).toEqual(["harbor library/redis"]);
  });

  test("goes on where start says, in the list and in the catalog", async () => {
    const loaded = await readText(policy("  start: 1\n  tags: { include: { keys: dev } }"));
    const { registries } = taken(loaded);

    expect(registries[0]).toMatchObject({
      repositories: ["library/mysql"],
      policies: ["delete-policy"],
    });
    expect(registries[1]?.skip).toBe(1);
  });

  test("without a delete policy deletes nothing", async () => {
    const { retention, registries } = taken(await readText(REGISTRIES));

    expect(retention).toEqual([]);
    expect(registries.map(({ policies }) => policies)).toEqual([[], []]);
  });

  test.each([
    [
      "a regex that is none",
      "  tags: { exclude: { regex: '(' } }",
      "delete-policy.tags.exclude.regex: ",
    ],
    [
      "an include that is none",
      "  tags: { include: { regex: '[' } }",
      "delete-policy.tags.include.regex: ",
    ],
    [
      "look-around",
      "  tags: { include: { regex: '(?!a)' } }",
      "delete-policy.tags.include.regex: ",
    ],
    ["a word for a number", "  mix-count: many", 'delete-policy.mix-count: "many" is not a number'],
    ["a start below 0", "  start: -1", 'delete-policy.start: "-1" is below 0'],
    ["a start past the end", "  start: 2", "delete-policy.start leaves out all 2 of them"],
    [
      "a word for true",
      "  dry-run: maybe",
      'delete-policy.dry-run: "maybe" is neither true nor false',
    ],
    ["a word for sem-ver", "  sem-ver: strict", 'delete-policy.sem-ver: "strict" is neither'],
  ])("is refused with %s, and the path of it", async (_, lines, message) => {
    expect(refused(await readText(policy(lines)))).toContain(message);
  });

  test.each([
    [
      "an unknown registry",
      "delete-policy: { registries: [other] }",
      'delete-policy.registries.0: registries has no "other"',
    ],
    ["no source to copy from", "sync-policy: { to: harbor }", "sync-policy.from: must be set"],
    [
      "an unknown target",
      "sync-policy: { from: harbor, to: x }",
      'sync-policy.to: registries has no "x"',
    ],
    [
      "a filter that is none",
      "sync-policy: { from: harbor, to: plain, filters: ['('] }",
      "sync-policy.filters.0: ",
    ],
  ])("is refused with %s", async (_, lines, message) => {
    expect(refused(await readText(`${REGISTRIES}${lines}\n`))).toContain(message);
  });

  test.each([
    [
      "no URL",
      "registries: { a: { username: x, password: yyyyyyyy } }",
      "registries.a.registry: must be set",
    ],
    [
      "a user alone",
      "registries: { a: { registry: x, username: y } }",
      "registries.a.password: must be set",
    ],
    ["no registries", "delete-policy: {}", "registries: must have at least one registry"],
  ])("is refused with %s, and the name of the registry", async (_, text, message) => {
    const answer = refused(await readText(`${text}\n`));

    expect(answer).toContain(message);
    expect(answer).not.toContain("yyyyyyyy");
  });

  test("says what it does not do with sync-policy, and what it does not know", async () => {
    const given = `${REGISTRIES}sync-policy: { from: harbor, to: plain, replace: [{ old: a, new: b }] }\ndelete_policy: 1\n`;
    const loaded = await readText(given);

    expect(typeof loaded === "string" ? loaded : loaded.warnings.join("\n")).toMatch(
      /sync-policy: copying is the work of `wharf sync`[^]*delete_policy \(did you mean delete-policy\?\): is not known/,
    );
  });
});
