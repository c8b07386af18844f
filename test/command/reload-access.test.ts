import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { type Receiver, receiver } from "../support/receiver.ts";
import { startServer } from "../support/process.ts";
import { type Server, startWharf } from "../support/server.ts";
import { userLine } from "../support/users.ts";

setDefaultTimeout(60_000);

const main = join(import.meta.dir, "..", "..", "src", "main.ts");

async function configure(folder: Folder, settings: object): Promise<string> {
  const file = folder.at("wharf.yaml");
  await writeFile(file, JSON.stringify(settings));
  return file;
}

async function reload(server: Server): Promise<string> {
  const before = server.logs().length;
  process.kill(server.pid, "SIGHUP");
  return await eventually(
    async () => server.logs().slice(before),
    (text) => /was read again|cannot be used/.test(text),
  );
}

describe("a reload", () => {
  test("puts users and rules in force, and takes them away", async () => {
    await using folder = await temporaryFolder();
    await writeFile(
      folder.at("users"),
      (await userLine("ann", "a")) + (await userLine("bob", "b")),
    );
    const auth = { htpasswd: folder.at("users") };
    const file = await configure(folder, { auth: "none" });
    await using server = await startWharf({ data: folder.at("data"), args: [file] });
    await image().push(server.url, "team/app", "v1");
    const pull = async (user?: string): Promise<number> => {
      const secret = Buffer.from(`${user}:${user?.[0]}`).toString("base64");
      const headers = user === undefined ? {} : { authorization: `Basic ${secret}` };
      return (await fetch(`${server.url}/v2/team/app/manifests/v1`, { headers })).status;
    };
    const both = async (): Promise<number[]> => [await pull("ann"), await pull("bob")];

    expect(await pull()).toBe(200);
    await configure(folder, { auth });
    expect(await reload(server)).toContain('"changed":["auth"]');
    expect(await pull()).toBe(401);
    expect(await both()).toEqual([200, 200]);

    const rules = [{ repositories: ["team/**"], users: ["ann"], allow: ["pull"] }];
    await configure(folder, { auth: { ...auth, rules } });
    await reload(server);
    expect(await both()).toEqual([200, 404]);

    await configure(folder, { auth: { htpasswd: folder.at("nowhere"), rules: [{}] } });
    expect(await reload(server)).toContain("cannot be used");
    expect(await both()).toEqual([200, 404]);
  });

  test("opens no door because the file is empty, or lost its auth", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), await userLine("ann", "a"));
    const auth = { htpasswd: folder.at("users") };
    const file = await configure(folder, { auth });
    await using server = await startWharf({ data: folder.at("data"), args: [file], ready: [401] });
    const status = async (): Promise<number> => (await fetch(`${server.url}/v2/`)).status;

    for (const text of ["", "{}", "log: { level: debug }", "# all commented out"]) {
      await writeFile(file, text);
      expect(await reload(server)).toContain("say `auth: none`");
      expect(await status()).toBe(401);
    }
    await configure(folder, { auth: "none" });
    expect(await reload(server)).toContain("was read again");
    expect(await status()).toBe(200);
  });

  test("opens no door because a configuration of docker-registry lost its auth", async () => {
    await using folder = await temporaryFolder();
    await writeFile(folder.at("users"), await userLine("ann", "a"));
    const usual = { version: "0.1", storage: { filesystem: { rootdirectory: folder.at("data") } } };
    const auth = { htpasswd: { realm: "r", path: folder.at("users") } };
    const file = await configure(folder, { ...usual, auth });
    await using server = await startWharf({ data: folder.at("data"), args: [file], ready: [401] });
    await configure(folder, usual);
    expect(await reload(server)).toContain("restart if nobody shall need a password");
    expect((await fetch(`${server.url}/v2/`)).status).toBe(401);
  });

  test("looks for users where the data are, not where they will be after a restart", async () => {
    await using folder = await temporaryFolder();
    await folder.folder("data/wharfinger");
    await folder.folder("other/wharfinger");
    await writeFile(folder.at("data/wharfinger/htpasswd"), await userLine("ann", "a"));
    await writeFile(folder.at("other/wharfinger/htpasswd"), await userLine("eve", "e"));
    const file = await configure(folder, { data: folder.at("data"), auth: {} });
    await using server = await startServer({
      command: (listen) => [process.execPath, main, "serve", "--listen", listen, file],
      env: process.env,
      ready: { path: "/v2/", statuses: [401] },
    });
    const login = async (name: string): Promise<number> => {
      const headers = { authorization: `Basic ${btoa(`${name}:${name[0]}`)}` };
      return (await fetch(`${server.url}/v2/`, { headers })).status;
    };
    await configure(folder, { data: folder.at("other"), auth: { realm: "new" } });
    expect(await reload(server)).toContain('"settings":["data"]');
    expect([await login("ann"), await login("eve")]).toEqual([200, 401]);
  });

  test("changes who hears of changes, and loses none meanwhile", async () => {
    await using folder = await temporaryFolder();
    await using old = receiver();
    await using added = receiver();
    const endpoint = ({ url }: Receiver, name: string) => ({ name, url, backoff: "20ms" });
    const notifications = (...endpoints: object[]) => ({ notifications: { endpoints } });
    const file = await configure(folder, notifications(endpoint(old, "old")));
    await using server = await startWharf({ data: folder.at("data"), args: [file] });
    const pushed = ({ events }: Receiver): string[] =>
      events.flatMap(({ action, target }) =>
        action === "push" && target.tag !== undefined ? [target.tag] : [],
      );
    const tags = Array.from({ length: 30 }, (_, n) => `v${n}`);

    for (const tag of tags) {
      await image().push(server.url, "team/app", tag);
      if (tag === "v10") {
        await configure(folder, notifications(endpoint(old, "old"), endpoint(added, "added")));
        expect(await reload(server)).toContain('"changed":["notifications"]');
      }
    }

    const all = await eventually(
      async () => new Set(pushed(old)),
      (heard) => heard.size === tags.length,
    );
    expect([...all].toSorted()).toEqual(tags.toSorted());
    const late = await eventually(
      async () => new Set(pushed(added)),
      (heard) => heard.has("v29"),
    );
    expect([...late].toSorted()).toEqual(tags.slice(11).toSorted());
  });
});
