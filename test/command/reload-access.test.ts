import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { type Receiver, receiver } from "../support/receiver.ts";
import { type Server, startWharf } from "../support/server.ts";
import { userLine } from "../support/users.ts";

setDefaultTimeout(60_000);

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
