import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { image } from "../support/image.ts";
import { digestOf } from "../support/oci.ts";
import { type Receiver, eventsOf, receiver } from "../support/receiver.ts";
import { type Server, startWharf } from "../support/server.ts";

setDefaultTimeout(180_000);

async function wharfWith(folder: Folder, endpoint: object, more: object = {}): Promise<Server> {
  const notifications = { endpoints: [{ name: "a", backoff: "20ms", ...endpoint }] };
  await Bun.write(folder.at("wharf.yaml"), JSON.stringify({ notifications, ...more }));
  const args = [folder.at("wharf.yaml")];
  return await startWharf({ data: folder.at("data"), args, ready: [200, 401] });
}

/** `push team/app sha256:…`, for events and for changes alike. */
function key(action: string, repository: string, what: string): string {
  return `${action} ${repository} ${what}`;
}

function heard(to: Receiver): string[] {
  return to.events.map(({ action, target }) =>
    key(action, target.repository, target.tag ?? target.digest ?? ""),
  );
}

/** Changes of all kinds, one after the other, until the server is gone; each is noted when it was acknowledged. */
async function changes(url: string, worker: string, acknowledged: string[]): Promise<void> {
  const ask = async (method: string, path: string): Promise<void> => {
    const answer = await fetch(`${url}/v2/${path}`, { method });
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}`);
  };
  for (let n = 0; ; n++) {
    const name = `${worker}/${n % 3}`;
    const copy = `${worker}/copy`;
    const one = image({ layers: 1 });
    const layer = one.blobs.at(-1)?.descriptor.digest ?? "";
    await one.push(url, name, `v${n}`);
    acknowledged.push(
      key("push", name, `v${n}`),
      ...one.blobs.map(({ descriptor }) => key("push", name, descriptor.digest)),
    );
    await ask("POST", `${copy}/blobs/uploads/?mount=${layer}&from=${name}`);
    acknowledged.push(key("mount", copy, layer));
    await ask("DELETE", `${copy}/blobs/${layer}`);
    acknowledged.push(key("delete", copy, layer));
    if (n % 2 === 0) {
      await ask("DELETE", `${name}/manifests/v${n}`);
      acknowledged.push(key("delete", name, `v${n}`));
    } else {
      await ask("DELETE", `${name}/manifests/${one.digest}`);
      acknowledged.push(key("delete", name, `v${n}`), key("delete", name, one.digest));
    }
  }
}

describe("notifications", () => {
  test("of changes that were acknowledged all arrive, however often the process is killed and the receiver fails", async () => {
    await using folder = await temporaryFolder();
    // Every fifth delivery is refused, every seventh answered too late.
    await using to = receiver(async (_, count) => {
      if (count % 5 === 0) return new Response(null, { status: 500 });
      if (count % 7 !== 0) return null;
      await Bun.sleep(600);
      return null;
    });
    const endpoint = { url: to.url, ignore: { actions: ["pull"] }, timeout: "300ms" };
    const acknowledged: string[] = [];

    for (let life = 0; life < 3; life++) {
      const wharf = await wharfWith(folder, endpoint);
      const workers = [0, 1, 2].map((n) =>
        changes(wharf.url, `life${life}/worker${n}`, acknowledged).catch((error: unknown) => error),
      );
      await Bun.sleep(500 + Math.random() * 700);
      await wharf.stop("SIGKILL");
      await Promise.all(workers);
    }
    await using wharf = await wharfWith(folder, endpoint);
    const missing = (): string[] => {
      const known = new Set(heard(to));
      return acknowledged.filter((change) => !known.has(change));
    };
    await eventually(
      async () => missing(),
      (left) => left.length === 0,
      60_000,
    );

    expect(wharf.logs()).not.toContain("given up");
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(missing()).toEqual([]);
    // Whatever came twice came with the same id, and says the same.
    const attempts = to.deliveries.flatMap(eventsOf);
    const byId = Map.groupBy(attempts, ({ id }) => id);
    const differing = [...byId.values()].filter(
      (same) => new Set(same.map((event) => JSON.stringify({ ...event, source: null }))).size > 1,
    );
    expect(differing).toEqual([]);
    // What was done last is not heard of first: of each worker in the order of its changes.
    const first = heard(to).filter((change, at, all) => all.indexOf(change) === at);
    const position = new Map(first.map((change, at) => [change, at]));
    for (let n = 0; n < 3; n++) {
      const own = acknowledged.filter(
        (change) => change.includes(`life0/worker${n}/`) && /^(?:mount|delete .*copy)/.test(change),
      );
      const order = own.map((change) => position.get(change) ?? -1);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  });

  test("arrive after the receiver was away, also across a regular restart", async () => {
    await using folder = await temporaryFolder();
    const gone = receiver();
    const { port, url } = gone;
    await gone[Symbol.asyncDispose]();
    const one = image();
    {
      await using wharf = await wharfWith(folder, { url });
      await one.push(wharf.url, "team/app", "v1");
      await eventually(
        async () => wharf.logs(),
        (logs) => logs.includes("could not be delivered"),
      );
      expect((await wharf.stop()).code).toBe(0);
    }

    await using to = receiver(() => null, port);
    await using wharf = await wharfWith(folder, { url });

    await to.until(one.blobs.length + 1);
    expect(heard(to)).toEqual([
      ...one.blobs.map(({ descriptor }) => key("push", "team/app", descriptor.digest)),
      key("push", "team/app", "v1"),
    ]);
    expect(wharf.logs()).not.toContain("could not be delivered");
  });

  test("say who did it, from where, and where the content is", async () => {
    await using folder = await temporaryFolder();
    await using to = receiver();
    await using wharf = await wharfWith(folder, { url: to.url });
    const one = image();

    await one.push(wharf.url, "team/app", "v1");
    const pull = { headers: { accept: one.mediaType, "user-agent": "me" } };
    await fetch(`${wharf.url}/v2/team/app/manifests/v1`, pull);

    const [event] = (await to.until(4)).filter(({ action }) => action === "pull");
    expect(event).toMatchObject({
      target: {
        repository: "team/app",
        tag: "v1",
        digest: one.digest,
        mediaType: one.mediaType,
        size: one.bytes.length,
        length: one.bytes.length,
        url: `${wharf.url}/v2/team/app/manifests/${one.digest}`,
      },
      request: { addr: "127.0.0.1", host: wharf.host, method: "GET", useragent: "me" },
      actor: {},
    });
    const content = await fetch(event?.target.url ?? "", { headers: { accept: one.mediaType } });
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(one.bytes);
  });

  test("name the user who did it, and nothing of what he proved it with", async () => {
    await using folder = await temporaryFolder();
    await using to = receiver();
    const hash = await Bun.password.hash("CANARY", { algorithm: "bcrypt", cost: 4 });
    await Bun.write(folder.at("htpasswd"), `ann:${hash}\n`);
    const auth = { htpasswd: folder.at("htpasswd"), anonymousPull: ["open/**"] };
    await using wharf = await wharfWith(folder, { url: to.url }, { auth });
    const headers = { authorization: `Basic ${btoa("ann:CANARY")}` };
    const bytes = new TextEncoder().encode("a blob");
    const digest = digestOf(bytes);
    const ask = async (method: string, path: string, asked: RequestInit = {}): Promise<number> =>
      (await fetch(`${wharf.url}/v2/${path}`, { ...asked, method })).status;

    const upload = `open/app/blobs/uploads/?digest=${digest}`;
    expect(await ask("POST", upload, { headers, body: bytes })).toBe(201);
    expect(await ask("POST", upload, { body: bytes })).toBe(401);
    expect(await ask("GET", `open/app/blobs/${digest}`)).toBe(200);
    expect(await ask("GET", `closed/app/blobs/${digest}`)).toBe(401);
    expect(await ask("DELETE", `open/app/blobs/${digest}`, { headers })).toBe(202);

    await to.until(3);
    const told = to.events.map(({ action, actor }) => `${action} ${actor.name ?? "nobody"}`);
    expect(told.toSorted()).toEqual(["delete ann", "pull nobody", "push ann"]);
    const bodies = to.deliveries.map(({ body }) => body).join();
    for (const secret of ["CANARY", btoa("ann:CANARY"), hash]) {
      expect(bodies).not.toContain(secret);
      expect(wharf.logs()).not.toContain(secret);
    }
  });

  test("show nobody the secrets of their endpoints", async () => {
    await using folder = await temporaryFolder();
    await using to = receiver(() => new Response("CANARY", { status: 500 }));
    const url = `${to.url.replace("http://", "http://user:CANARY@")}?token=CANARY`;
    const endpoint = { url, headers: { authorization: ["CANARY"] }, secret: "CANARY" };
    const logs = await (async () => {
      await using wharf = await wharfWith(folder, { ...endpoint, threshold: 1 });
      await image().push(wharf.url, "team/app", "v1");
      await eventually(
        async () => to.deliveries.length,
        (count) => count > 2,
      );
      await wharf.stop();
      return wharf.logs();
    })();

    expect(logs).toContain("could not be delivered");
    expect(logs).not.toContain("CANARY");
    expect(to.deliveries[0]?.headers["authorization"]).toBe("CANARY");
  });

  test("with a header that can not be sent are refused at start, without a word of its value", async () => {
    await using folder = await temporaryFolder();
    const headers = { "X-A": ["CANARY\r\nX-B: y"] };

    const refusal: unknown = await wharfWith(folder, { url: "http://127.0.0.1:1/", headers }).then(
      () => "it started",
      (error: unknown) => (error as Error).message,
    );

    expect(refusal).toContain("notifications.endpoints.0.headers.X-A");
    expect(refusal).not.toContain("CANARY");
  });
});
