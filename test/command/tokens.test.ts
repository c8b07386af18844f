import { expect, setDefaultTimeout, test } from "bun:test";
import { statSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { filesBelow, temporaryFolder, type Folder } from "../support/folder.ts";
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
  readonly refresh_token?: string;
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

test("who is taken out of a group has lost its rights with whatever he shows, after a reload", async () => {
  await using folder = await temporaryFolder();
  const settings = (dev: readonly string[]) => ({
    htpasswd: folder.at("users"),
    issuer: {},
    groups: { dev },
    rules: [
      { repositories: ["team/**"], groups: ["dev"], allow: ["pull", "push"] },
      { repositories: ["ann/**"], users: ["ann"], allow: ["pull"] },
    ],
  });
  const auth = settings(["ann"]);
  await using server = await startClosedWharf(folder, { users: { ann: "ann's" }, auth });
  const made = await accessToken(folder);
  const scope = "repository:team/app:pull,push";
  const query = new URLSearchParams({ scope });
  const answer = await fetch(`${server.url}/token?${query.toString()}`, {
    headers: basic("ann", "ann's"),
  });
  const { token } = (await answer.json()) as Given;
  const shown = [
    basic("ann", "ann's"),
    basic("ann", made),
    { authorization: `Bearer ${made}` },
    { authorization: `Bearer ${token}` },
  ];
  const pushes = (): Promise<number[]> =>
    Promise.all(
      shown.map(async (headers) => {
        const url = `${server.url}/v2/team/app/blobs/uploads/`;
        return (await fetch(url, { method: "POST", headers })).status;
      }),
    );
  expect(await pushes()).toEqual([202, 202, 202, 202]);
  await writeFile(folder.at("wharf.yaml"), JSON.stringify({ auth: settings([]) }));
  process.kill(server.pid, "SIGHUP");
  const after = await eventually(pushes, ([first]) => first !== 202);
  expect(after).toEqual([403, 403, 403, 401]);
});

test("no token is written to a log, a metric, an error or a file", async () => {
  await using folder = await temporaryFolder();
  const password = `c4n4ry-${crypto.randomUUID()}`;
  await using server = await startClosedWharf(folder, {
    users: { ann: password },
    auth: { issuer: {} },
    settings: { log: { level: "debug", format: "json", access: "json" } },
  });
  const made = await accessToken(folder);
  const form = async (fields: Record<string, string>): Promise<Given & { text: string }> => {
    const body = new URLSearchParams({ service: "wharfinger", ...fields });
    const text = await (await fetch(`${server.url}/token`, { method: "POST", body })).text();
    return { ...(JSON.parse(text) as Given), text };
  };
  const login = { grant_type: "password", username: "ann", access_type: "offline" };
  const given = await form({ ...login, password });
  const refresh = given.refresh_token ?? "none was given";
  const wrong = `c4n4ry-${crypto.randomUUID()}`;
  const cut = (text: string): string => `${text.slice(0, -3)}abc`;
  const secrets = [password, wrong, made, given.token, refresh, cut(made), cut(given.token)];
  const answers = [
    (await form({ ...login, password: wrong })).text,
    (await form({ ...login, username: wrong, password: made })).text,
    (await form({ grant_type: wrong, password })).text,
    (await form({ grant_type: "refresh_token", refresh_token: cut(refresh) })).text,
    (await form({ grant_type: "refresh_token", refresh_token: made })).text,
  ];
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<void> => {
    const answer = await fetch(server.url + path, { headers });
    answers.push(JSON.stringify([...answer.headers]) + (await answer.text()));
  };
  for (const secret of secrets) {
    for (const path of ["/v2/", "/v2/team/app/tags/list", "/v2/Bad/tags/list", "/nowhere"]) {
      await ask(path, { authorization: `Bearer ${secret}` });
      await ask(path, basic("ann", secret));
      await ask(path, basic("<token>", secret));
      await ask(`${path}?access_token=${secret}&refresh_token=${secret}`);
    }
  }
  for (const path of ["/metrics", "/readyz?verbose", "/api/v1/check"]) {
    await ask(path, basic("ann", password));
  }
  expect(await server.stop()).toMatchObject({ code: 0 });

  // Of a token the part that nobody may know: the secret, or the signature.
  const parts = secrets.map((text) => text.replace(/^.*[._](?=[^._]{20})/, ""));
  const { d } = JSON.parse(
    await readFile(join(folder.at("data"), "wharfinger", "token-key.json"), "utf8"),
  ) as { d: string };
  const found = (text: string): string[] => [...parts, d].filter((part) => text.includes(part));
  expect(server.logs()).toContain('"path":"/token"');
  expect(found(server.logs())).toEqual([]);
  expect(found(answers.join("\n"))).toEqual([]);
  const files = (await filesBelow(folder.path)).filter((file) => !file.endsWith("token-key.json"));
  for (const file of files) {
    expect([file, ...found(await readFile(folder.at(file), "latin1"))]).toEqual([file]);
  }
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
