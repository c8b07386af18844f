import { expect, setDefaultTimeout, test } from "bun:test";
import { statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder, type Folder } from "../support/folder.ts";
import { run } from "../support/run.ts";
import type { Server } from "../support/server.ts";
import { basic, startClosedWharf } from "../support/users.ts";

setDefaultTimeout(120_000);

const wharf = join(import.meta.dir, "..", "..", "bin", "wharf.mjs");

function issuing(folder: Folder, expires = "5m"): Promise<Server> {
  return startClosedWharf(folder, { users: { ann: "ann's" }, auth: { issuer: { expires } } });
}

async function accessToken(folder: Folder): Promise<string> {
  const where = ["--data", folder.at("data"), "-c", folder.at("wharf.yaml")];
  const command = ["node", wharf, "token", "create", "--repo", "**", "--push", ...where];
  return (await run(command)).trim();
}

interface Given {
  readonly token: string;
  readonly expires_in: number;
}

async function issued({ url }: Server, password = "ann's"): Promise<Given> {
  const answer = await fetch(`${url}/token`, { headers: basic("ann", password) });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Given;
}

async function status({ url }: Server, token: string): Promise<number> {
  return (await fetch(`${url}/v2/`, { headers: { authorization: `Bearer ${token}` } })).status;
}

test("tokens of both kinds outlive a restart and the loss of the database, but not that of the key", async () => {
  await using folder = await temporaryFolder();
  const own = (name: string): string => join(folder.at("data"), "wharfinger", name);
  let tokens: string[];
  {
    await using server = await issuing(folder);
    const made = await accessToken(folder);
    tokens = [made, (await issued(server)).token, (await issued(server, made)).token];
    for (const token of tokens) expect(await status(server, token)).toBe(200);
    for (const name of ["tokens.json", "token-key.json"]) {
      expect([name, statSync(own(name)).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect((await server.stop("SIGTERM")).code).toBe(0);
  }
  for (const name of ["metadata.sqlite", "metadata.sqlite-wal", "metadata.sqlite-shm"]) {
    await rm(own(name), { force: true });
  }
  {
    // The users' file is written anew, and with it their hashes: what rests on a password is void.
    await using server = await issuing(folder);
    const [made = "", byPassword = "", byToken = ""] = tokens;
    const seen = [made, byPassword, byToken].map((token) => status(server, token));
    expect(await Promise.all(seen)).toEqual([200, 401, 200]);
    await server.stop("SIGTERM");
  }
  await rm(own("token-key.json"));
  await using server = await issuing(folder);
  const [made = "", , byToken = ""] = tokens;
  expect([await status(server, made), await status(server, byToken)]).toEqual([200, 401]);
});

test("after a reload, tokens are issued as the new configuration says, and the old ones are good", async () => {
  await using folder = await temporaryFolder();
  await using server = await issuing(folder);
  const before = await issued(server);
  expect(before.expires_in).toBe(300);
  const auth = { htpasswd: folder.at("users"), issuer: { expires: "2m" } };
  await writeFile(folder.at("wharf.yaml"), JSON.stringify({ auth }));
  process.kill(server.pid, "SIGHUP");
  const after = await eventually(
    () => issued(server),
    ({ expires_in: seconds }) => seconds === 120,
  );
  expect(after.expires_in).toBe(120);
  expect([await status(server, before.token), await status(server, after.token)]).toEqual([
    200, 200,
  ]);
});

test("a server whose tokens or key are broken does not start, and says which file it is", async () => {
  for (const name of ["tokens.json", "token-key.json"]) {
    await using folder = await temporaryFolder();
    {
      await using server = await issuing(folder);
      await server.stop("SIGTERM");
    }
    await writeFile(join(folder.at("data"), "wharfinger", name), '{"kty":');
    const said = await issuing(folder).then(String, String);
    expect(said).toContain(name);
    expect(said).toContain("the data folder cannot be used");
  }
});
