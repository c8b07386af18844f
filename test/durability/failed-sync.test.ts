import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type Folder, temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image } from "../support/image.ts";
import { blob, randomBytes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { startUpload, withDigest } from "../support/push.ts";
import { type Server, startWharf } from "../support/server.ts";
import { inTree } from "../support/tree.ts";
import { type SystemCall, attach } from "./support/strace.ts";

setDefaultTimeout(120_000);

/** A server with an image that was acknowledged before anything went wrong, and is in the tree. */
interface Given extends AsyncDisposable {
  readonly data: string;
  readonly before: Fixture;
  readonly folder: Folder;
  server: Server;
}

async function given(): Promise<Given> {
  const folder = await temporaryFolder();
  const data = `${await realpath(folder.path)}/data`;
  const before = image({ layers: 1, size: 30_000 });
  {
    await using first = await startWharf({ data });
    await before.push(first.url, "team/app", "v1");
  }
  const server = await startWharf({ data });
  const made = {
    data,
    before,
    folder,
    server,
    async [Symbol.asyncDispose]() {
      await made.server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
  return made;
}

function put(url: string, reference: string, { mediaType, bytes }: Fixture): Promise<Response> {
  return fetch(`${url}/v2/team/app/manifests/${reference}`, {
    method: "PUT",
    headers: { "content-type": mediaType },
    body: bytes,
  });
}

/** All kinds of changes are refused, and say why; what was acknowledged is served. */
async function expectStopped({ server: { url }, before }: Given): Promise<void> {
  const base = `${url}/v2/team/app`;
  const large = blob("application/octet-stream", randomBytes(30_000));
  const session = withDigest(await startUpload(url, "team/app"), large.descriptor.digest);
  const changes = [
    () => put(url, "later", before),
    () => fetch(`${base}/manifests/v1`, { method: "DELETE" }),
    () => fetch(session, { method: "PUT", body: large.bytes }),
  ];
  for (const change of changes) {
    const response = await change();
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("no change is taken until the registry is restarted");
  }
  expect(await notServed(url, "team/app", "v1", before)).toEqual([]);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
}

/** After a restart on a disk that works again, everything does. */
async function expectRecovered(on: Given): Promise<void> {
  await on.server.stop("SIGKILL");
  on.server = await startWharf({ data: on.data });
  const after = image({ layers: 1, size: 30_000 });
  await after.push(on.server.url, "team/app", "after");
  expect(await notServed(on.server.url, "team/app", "after", after)).toEqual([]);
  expect(await notServed(on.server.url, "team/app", "v1", on.before)).toEqual([]);
}

function syncs(calls: readonly SystemCall[], path: string): SystemCall[] {
  return calls.filter(({ name, text }) => /sync/.test(name) && text.includes(`<${path}>`));
}

const FAIL = ["-e", "inject=fsync,fdatasync,syncfs:error=EIO"];

group("a sync that fails stops all changes, and is not tried again", ["strace"], () => {
  test("of the database's log", async () => {
    await using on = await given();
    const log = `${on.data}/wharfinger/metadata.sqlite-wal`;
    const more = [...FAIL, "-P", log];
    const tracing = await attach(on.server.pid, on.folder.at("trace"), "fsync,fdatasync", more);

    const failed = await put(on.server.url, "v2", on.before);
    expect(failed.status).toBe(503);
    await expectStopped(on);

    const tried = syncs(await tracing.detach(), log);
    expect(tried.map((call) => call.failed)).toEqual([true]);
    // The disk is well again, and the registry still knows that it cannot know.
    await expectStopped(on);
    await expectRecovered(on);
  });

  describe("of a blob:", () => {
    test("its file", async () => {
      await using on = await given();
      const { url } = on.server;
      const large = blob("application/octet-stream", randomBytes(30_000));
      const { digest } = large.descriptor;
      const session = await startUpload(url, "team/app");
      const file = `${on.data}/wharfinger/uploads/${new URL(session).pathname.split("/").at(-1)}`;
      const more = [...FAIL, "-P", file];
      const tracing = await attach(on.server.pid, on.folder.at("trace"), "fsync,fdatasync", more);

      const failed = await fetch(withDigest(session, digest), { method: "PUT", body: large.bytes });
      expect(failed.status).toBe(503);
      await expectStopped(on);

      const tried = syncs(await tracing.detach(), file);
      expect(tried.map((call) => call.failed)).toEqual([true]);
      // Its bytes are given up: nothing can go on with them, now or after a restart.
      expect(await Bun.file(file).exists()).toBe(false);
      await expectStopped(on);
      await expectRecovered(on);
      const address = `${on.server.url}/v2/team/app/blobs/${digest}`;
      expect((await fetch(address, { method: "HEAD" })).status).toBe(404);
    });

    test("its folder", async () => {
      await using on = await given();
      const { url } = on.server;
      const large = blob("application/octet-stream", randomBytes(30_000));
      const { digest } = large.descriptor;
      const above = dirname(inTree(on.data).blob(digest));
      const more = [...FAIL, "-P", above];
      const tracing = await attach(on.server.pid, on.folder.at("trace"), "fsync,fdatasync", more);

      const session = await startUpload(url, "team/app");
      const failed = await fetch(withDigest(session, digest), { method: "PUT", body: large.bytes });
      expect(failed.status).toBe(503);
      await expectStopped(on);

      expect(syncs(await tracing.detach(), above).map((call) => call.failed)).toEqual([true]);
      await expectStopped(on);
      await expectRecovered(on);
      const address = `${on.server.url}/v2/team/app/blobs/${digest}`;
      expect((await fetch(address, { method: "HEAD" })).status).toBe(404);
    });
  });

  test("of the tree that follows", async () => {
    await using on = await given();
    const tracing = await attach(on.server.pid, on.folder.at("trace"), "syncfs", FAIL);

    // Acknowledged: it is in the database, durably. The tree is what cannot follow.
    expect((await put(on.server.url, "v2", on.before)).status).toBe(201);
    const refused = async (): Promise<number> =>
      (await fetch(`${on.server.url}/v2/team/app/manifests/none`, { method: "DELETE" })).status;
    expect(await eventually(refused, (status) => status === 503)).toBe(503);
    await expectStopped(on);
    // Longer than it waits before it tries other failures again.
    await Bun.sleep(1500);

    expect((await tracing.detach()).filter(({ name }) => name === "syncfs")).toHaveLength(1);
    await expectStopped(on);
    await expectRecovered(on);
    expect(await notServed(on.server.url, "team/app", "v2", on.before)).toEqual([]);
  });
});
