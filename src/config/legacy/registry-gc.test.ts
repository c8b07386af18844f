import { describe, expect, test } from "bun:test";
import { legacyFile, read, readText, refused, taken } from "../../../test/support/legacy-config.ts";

const VARIABLES = {
  REGISTRY_URL: "http://registry-server:5000",
  KEEP_N: "10",
  PRUNE_INTERVAL: "24h",
  WORKERS: "8",
  REGISTRY_USER: "admin",
  REGISTRY_PASS: "password",
  LOG_LEVEL: "info",
};

describe("the variables of registry-gc", () => {
  test("listen on port 8080, prune by a number of tags once a day, and collect the tree of the config", () => {
    const config = taken(read(null, VARIABLES));

    expect(config.keep.listen.port).toBe(8080);
    expect(config.retention).toMatchObject([
      {
        repositories: ["**"],
        delete: [{ tags: ["*"] }],
        keep: [{ newest: 10, orderBy: "semver" }],
        limits: { emptyRepositories: false },
      },
    ]);
    expect(config.registries).toMatchObject([
      {
        url: "http://registry-server:5000",
        concurrency: 8,
        prune: { every: 24 * 3_600_000, atStart: false, dryRun: false },
        collect: {
          with: "tree",
          config: "/etc/docker/registry/config.yml",
          afterDeletes: 60_000,
          afterPrune: true,
        },
      },
    ]);
    expect(config.log.level).toBe("info");
  });

  test("are the same in the Compose file that people have", () => {
    const loaded = read(legacyFile("registry-gc/compose.yml"));

    expect(taken(loaded)).toEqual(taken(read(null, VARIABLES)));
    expect(loaded).toMatchObject({ tool: "registry-gc" });
  });

  test("may come into a Compose file from the environment", async () => {
    const text = (user: string): string =>
      `services:\n  gc:\n    environment:\n      - REGISTRY_URL=http://\${HOST:-r}:5000\n      - KEEP_N\n      - REGISTRY_USER=${user}\n      - REGISTRY_PASS=$$\${PASS}\n`;
    const environment = { KEEP_N: "3", PASS: "secret", WHO: "me" };
    const { registries, retention } = taken(await readText(text("$WHO"), environment));

    expect(registries[0]).toMatchObject({
      url: "http://r:5000",
      username: "me",
      password: "$secret",
    });
    expect(retention[0]?.keep[0]?.newest).toBe(3);
    expect(refused(await readText(text("$NOBODY"), environment))).toContain(
      "the variable NOBODY is not set",
    );
  });

  test("have the tool's defaults, and empty ones are not set", () => {
    const alone = taken(read(null, { REGISTRY_URL: "http://registry-server:5000" }));
    const empty = taken(read(null, { ...VARIABLES, KEEP_N: "", PRUNE_INTERVAL: "", WORKERS: "" }));

    expect(alone.registries[0]).toMatchObject({ concurrency: 8, prune: { every: 86_400_000 } });
    expect(alone.retention[0]?.keep[0]?.newest).toBe(10);
    expect(empty).toEqual(taken(read(null, VARIABLES)));
  });

  test("have credentials for the registry, and for those who call /prune; without them it is open", () => {
    const { keep, registries } = taken(read(null, VARIABLES));
    const login = { username: "admin", password: "password" };

    expect(keep).toMatchObject(login);
    expect(registries[0]).toMatchObject(login);
    const open = taken(read(null, { ...VARIABLES, REGISTRY_USER: "", REGISTRY_PASS: "" }));
    expect([open.keep.username, open.registries[0]?.username]).toEqual([undefined, undefined]);
    expect(open.retention).toHaveLength(1);
  });

  test("turn off with 0 what they always turned off with it", () => {
    const { retention, registries } = taken(
      read(null, { ...VARIABLES, KEEP_N: "0", PRUNE_INTERVAL: "0" }),
    );

    expect(retention).toEqual([]);
    expect(registries[0]?.prune?.every).toBeUndefined();
    expect(registries[0]?.collect?.with).toBe("tree");
  });

  test.each([
    ["PRUNE_INTERVAL", "1h30m", 5_400_000],
    ["PRUNE_INTERVAL", "90m", 5_400_000],
    ["PRUNE_INTERVAL", "1.5h", 5_400_000],
  ])("%s=%s is read as Go reads it", (key, value, every) => {
    expect(taken(read(null, { ...VARIABLES, [key]: value })).registries[0]?.prune?.every).toBe(
      every,
    );
  });

  test.each([
    ["KEEP_N", "ten", 'KEEP_N: "ten" is not a number'],
    ["KEEP_N", "-1", 'KEEP_N: "-1" is below 0'],
    ["KEEP_N", "1.5", 'KEEP_N: "1.5" is not a number'],
    ["PRUNE_INTERVAL", "daily", 'PRUNE_INTERVAL: "daily" is not a duration'],
    ["PRUNE_INTERVAL", "24", 'PRUNE_INTERVAL: "24" is not a duration'],
    [
      "PRUNE_INTERVAL",
      "1d",
      'PRUNE_INTERVAL: "1d" is not a duration, such as 24h, 90m or 1h30m; 1d is 24h',
    ],
    ["PRUNE_INTERVAL", "-1h", 'PRUNE_INTERVAL: "-1h" is not a duration'],

    ["WORKERS", "many", 'WORKERS: "many" is not a number'],
    ["WORKERS", "0", "WORKERS: "],
    ["LOG_LEVEL", "loud", 'LOG_LEVEL: "loud" is not debug, info, warn or error'],
    ["REGISTRY_URL", "ftp://x", "REGISTRY_URL: is not the URL of a registry"],
    ["REGISTRY_URL", "http://a:b@x", "REGISTRY_URL: has a user or a password in it"],
    ["REGISTRY_PASS", "", "REGISTRY_PASS: is not set, and REGISTRY_USER is"],
    ["REGISTRY_USER", "", "REGISTRY_USER: is not set, and REGISTRY_PASS is"],
  ])("%s=%s is an error at start, with its name, and never off", (key, value, message) => {
    const text = refused(read(null, { ...VARIABLES, [key]: value }));

    expect(text).toContain(message);
    expect(text).not.toContain("a:b");
  });

  test("name all that is wrong at once, and never a secret", () => {
    const text = refused(
      read(null, { ...VARIABLES, REGISTRY_PASS: "hunter2hunter2", KEEP_N: "x", WORKERS: "y" }),
    );

    expect(text).toContain("KEEP_N");
    expect(text).toContain("WORKERS");
    expect(text).not.toContain("hunter2");
  });

  test("are not looked at where nobody asks for variables", () => {
    expect(read(null, { PATH: "/bin" })).toMatchObject({ tool: null });
  });

  test("say what is done in another way", () => {
    const loaded = read(null, VARIABLES);
    if (typeof loaded === "string") throw new Error(loaded);
    const texts = loaded.remarks.map(({ text }) => text).join("\n");

    for (const words of [
      "v1.10.0 is newer than v1.9.0",
      "a digest goes only when all",
      "of multi-platform",
      "/prune must",
    ]) {
      expect(texts).toContain(words);
    }
  });
});
