import { expect, setDefaultTimeout, test } from "bun:test";
import { dirname } from "node:path";
import { realpath } from "node:fs/promises";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { image } from "../support/image.ts";
import { blob, randomBytes } from "../support/oci.ts";
import { locationOf, startUpload, withDigest } from "../support/push.ts";
import { startWharf } from "../support/server.ts";
import { inTree } from "../support/tree.ts";
import { type SystemCall, attach } from "./support/strace.ts";

setDefaultTimeout(120_000);

const CALLS =
  "fsync,fdatasync,syncfs,rename,renameat,renameat2,mkdir,mkdirat,write,pwrite64,pwritev,sendto,writev,sendmsg";

const large = () => blob("application/octet-stream", randomBytes(60_000));

/** One request that acknowledges a change, and whether a file comes into the tree by it. */
interface Route {
  readonly name: string;
  readonly status: number;
  /** The digest of the blob whose file must be there when the answer is. */
  readonly file?: string;
  ask(): Promise<Response>;
}

/** What must have been synced before the answer, and was not. */
function unsynced(calls: readonly SystemCall[], data: string, route: Route): string[] {
  const answer = calls.find(({ text }) => text.includes(`"HTTP/1.1 ${route.status} `));
  if (!answer) return [`there is no answer ${route.status} in the trace`];
  const before = calls.filter(({ ended, failed }) => ended < answer.began && !failed);
  const problems: string[] = [];
  const synced = (path: string, after: SystemCall): boolean =>
    before.some(
      ({ name, text, began }) =>
        /^fsync|^fdatasync/.test(name) && text.includes(`<${path}>`) && began > after.ended,
    );

  const log = `${data}/wharfinger/metadata.sqlite-wal`;
  const written = before.find(
    ({ name, text }) => name.startsWith("pwrite") && text.includes(`<${log}>`),
  );
  if (!written) problems.push("nothing was written to the database's log");
  else if (!synced(log, written)) problems.push("the database's log was not synced");

  if (route.file === undefined) return problems;
  const target = inTree(data).blob(route.file);
  const renamed = before.find(
    ({ name, text }) => name.startsWith("rename") && text.includes(`"${target}"`),
  );
  if (!renamed) return [...problems, "no file got its name"];
  const source = /"([^"]*uploads[^"]*)"/.exec(renamed.text)?.[1] ?? "";
  const bytes = before.findLast(
    ({ name, text, began }) =>
      /write/.test(name) && text.includes(`<${source}>`) && began < renamed.began,
  );
  if (!bytes) problems.push("no bytes were written");
  else if (!before.some((call) => isSyncBetween(call, source, bytes, renamed))) {
    problems.push("the file was not synced before it got its name");
  }
  for (const folder of [dirname(target), dirname(dirname(target))]) {
    if (!synced(folder, renamed)) problems.push(`${folder} was not synced`);
  }
  // The follower makes folders, too, in its own time; it is the one that renames from its own names.
  const followers = new Set(
    calls.filter(({ text }) => text.includes("/.wharfinger-")).map(({ thread }) => thread),
  );
  for (const made of before) {
    const path = /^mkdir(?:at)?\(.*?"([^"]+)"/.exec(made.text)?.[1];
    if (path === undefined || followers.has(made.thread)) continue;
    if (!synced(dirname(path), made))
      problems.push(`${dirname(path)} was not synced: it has a new folder`);
  }
  return problems;
}

function isSyncBetween(call: SystemCall, path: string, from: SystemCall, to: SystemCall): boolean {
  const sync = /^fsync|^fdatasync/.test(call.name) && call.text.includes(`<${path}>`);
  return sync && call.began > from.ended && call.ended < to.began;
}

group("by the system calls of the real server, all is synced before the answer", ["strace"], () => {
  test("on every route that acknowledges a change", async () => {
    await using folder = await temporaryFolder();
    // strace names files by their real path.
    const data = `${await realpath(folder.path)}/data`;
    await using wharf = await startWharf({ data });
    const { url } = wharf;
    const base = `${url}/v2/team/app`;
    const manifests = `${base}/manifests`;
    const one = image({ layers: 1, size: 30_000 });
    const two = image({ layers: 0 });
    const [first, second, third] = [large(), large(), large()];
    const small = blob("application/octet-stream", randomBytes(500));
    const put = (fixture: typeof one, reference: string): Promise<Response> =>
      fetch(`${manifests}/${reference}`, {
        method: "PUT",
        headers: { "content-type": fixture.mediaType },
        body: fixture.bytes,
      });
    const remove = (path: string): Promise<Response> => fetch(base + path, { method: "DELETE" });
    const session = await startUpload(url, "team/app");
    const chunked = await startUpload(url, "team/app");
    const patched = await fetch(chunked, { method: "PATCH", body: second.bytes.slice(0, 25_000) });
    const rest = withDigest(locationOf(patched, url), second.descriptor.digest);
    const smallSession = withDigest(await startUpload(url, "team/app"), small.descriptor.digest);
    const uploads = `${base}/blobs/uploads/`;

    const routes: Route[] = [
      {
        name: "PUT of a blob",
        status: 201,
        file: first.descriptor.digest,
        ask: () =>
          fetch(withDigest(session, first.descriptor.digest), { method: "PUT", body: first.bytes }),
      },
      {
        name: "the closing PUT of a blob in chunks",
        status: 201,
        file: second.descriptor.digest,
        ask: () => fetch(rest, { method: "PUT", body: second.bytes.slice(25_000) }),
      },
      {
        name: "POST with a digest",
        status: 201,
        file: third.descriptor.digest,
        ask: () =>
          fetch(`${uploads}?digest=${third.descriptor.digest}`, {
            method: "POST",
            headers: { "content-type": "application/octet-stream" },
            body: third.bytes,
          }),
      },
      {
        name: "PUT of a small blob",
        status: 201,
        ask: () => fetch(smallSession, { method: "PUT", body: small.bytes }),
      },
      {
        name: "a mount",
        status: 201,
        ask: () =>
          fetch(`${url}/v2/other/blobs/uploads/?mount=${first.descriptor.digest}&from=team/app`, {
            method: "POST",
          }),
      },
      { name: "PUT of a manifest by tag", status: 201, ask: () => put(one, "v1") },
      { name: "PUT of a manifest by digest", status: 201, ask: () => put(two, two.digest) },
      { name: "a tag that moves", status: 201, ask: () => put(two, "v1") },
      { name: "DELETE of a tag", status: 202, ask: () => remove("/manifests/v1") },
      { name: "DELETE of a manifest", status: 202, ask: () => remove(`/manifests/${one.digest}`) },
      {
        name: "DELETE of a blob",
        status: 202,
        ask: () => remove(`/blobs/${first.descriptor.digest}`),
      },
    ];
    for (const part of [...one.blobs, ...two.blobs]) {
      await fetch(`${uploads}?digest=${part.descriptor.digest}`, {
        method: "POST",
        body: part.bytes,
      });
    }

    for (const [at, route] of routes.entries()) {
      const tracing = await attach(wharf.pid, folder.at(`trace-${at}`), CALLS);
      const { status } = await route.ask();
      const calls = await tracing.detach();
      expect(`${route.name}: ${status}`).toBe(`${route.name}: ${route.status}`);
      expect([route.name, ...unsynced(calls, data, route)]).toEqual([route.name]);
    }
  });
});
