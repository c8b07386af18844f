import { expect, setDefaultTimeout, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { listCommand } from "../../src/cli/list.ts";
import { pruneCommand } from "../../src/cli/prune.ts";
import { type Ran, runCommand } from "../support/command.ts";
import { type Heard, fakeRegistry, ociError } from "../support/fake-registry.ts";
import { filesBelow, temporaryFolder } from "../support/folder.ts";
import { challenge } from "../support/hostile.ts";

setDefaultTimeout(60_000);

const SECRET = "canary-91be-secret";
const ENCODED = btoa(`me:${SECRET}`);

/** How a registry answers whoever has shown it a password. */
const answers: Readonly<Record<string, (asked: Heard, other: string) => Response>> = {
  "repeats it in an error": ({ authorization, headers }) =>
    ociError(403, "DENIED", `${authorization} ${JSON.stringify(headers)} ${SECRET}`),
  "repeats it in a web page": ({ authorization }) =>
    new Response(`<html>${authorization} ${SECRET}`, { headers: { "content-type": "text/html" } }),
  "leads elsewhere with it": (_, other) =>
    new Response(null, { status: 307, headers: { location: `${other}/?password=${SECRET}` } }),
  "wants it at another host": (_, other) =>
    challenge(`Bearer realm="${other.replace("127.0.0.1", "localhost")}/token"`),
  "works, but for one repository that says it": ({ path, authorization }) => {
    if (path.startsWith("/v2/_catalog")) return Response.json({ repositories: ["app", "bad"] });
    if (path.startsWith("/v2/app/tags")) return Response.json({ tags: ["1"] });
    return ociError(400, "UNKNOWN", `${authorization} ${SECRET}`);
  },
};

test.each(Object.keys(answers))(
  "no command shows or keeps a password, or tells it to others, when a registry %s",
  async (kind) => {
    await using folder = await temporaryFolder();
    await using other = fakeRegistry(() => Response.json({ token: "T" }));
    await using hostile = fakeRegistry((asked) =>
      asked.authorization === null ? challenge("Basic") : answers[kind]!(asked, other.url),
    );
    const file = folder.at("wharf.yaml");
    await writeFile(folder.at("password"), SECRET);
    const registry = { name: "hostile", url: hostile.url, retries: 0, username: "me" };
    await writeFile(
      file,
      JSON.stringify({
        registries: [{ ...registry, passwordFile: folder.at("password") }],
        retention: [{ name: "all", repositories: ["**"], delete: [{ tags: ["*"] }] }],
        keep: { state: folder.at("state") },
      }),
    );
    const environment = { HOME: folder.path, XDG_STATE_HOME: folder.at("state") };
    const run = async (make: Parameters<typeof runCommand>[0], ...args: string[]): Promise<Ran> =>
      await runCommand(make, args, { environment });

    const runs = [
      await run(listCommand, "--config", file),
      await run(listCommand, "--config", file, "--json"),
      await run(pruneCommand, "hostile", "-c", file, "-n"),
      await run(pruneCommand, "hostile", "-c", file, "--yes", "--json"),
    ];

    for (const { out, err } of runs) {
      const shown = [...out, ...err].join("\n");
      expect(shown).not.toContain(SECRET);
      expect(shown).not.toContain(ENCODED);
    }
    for (const path of await filesBelow(folder.at("state"))) {
      expect(await readFile(folder.at("state", path), "latin1")).not.toContain(SECRET);
    }
    expect(other.heard.filter(({ authorization }) => authorization !== null)).toEqual([]);
    expect(JSON.stringify(other.heard)).not.toContain(SECRET);
    // The test is of use only when the password was there to be shown.
    expect(hostile.heard.some(({ authorization }) => authorization?.includes(ENCODED))).toBe(true);
    expect(runs.some(({ exit }) => exit !== 0)).toBe(true);
  },
);
