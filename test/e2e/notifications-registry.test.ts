import { expect, setDefaultTimeout, test } from "bun:test";
import { hostname } from "node:os";
import type { WireEvent } from "../../src/notify/format.ts";
import { eventually } from "../support/eventually.ts";
import { temporaryFolder } from "../support/folder.ts";
import { group } from "../support/group.ts";
import { type Fixture, image } from "../support/image.ts";
import { type Receiver, receiver } from "../support/receiver.ts";
import { startDockerRegistry, startWharf } from "../support/server.ts";

setDefaultTimeout(120_000);

/** As a registry that tells a collector of its changes has it configured. */
const ENDPOINT = { name: "gc-listener", timeout: "500ms", threshold: 3, backoff: "1s" };

/** One way of each kind, as clients go it; returns what was answered. */
async function everyday(url: string, one: Fixture, other: Fixture): Promise<string[]> {
  const said: string[] = [];
  const ask = async (method: string, path: string, headers = {}): Promise<void> => {
    const accept = one.mediaType;
    const asked = { method, headers: { accept, ...headers }, redirect: "manual" as const };
    const answer = await fetch(`${url}/v2/${path}`, asked);
    await answer.arrayBuffer();
    said.push(`${method} ${path} ${answer.status}`);
  };
  const [layer] = one.blobs;
  if (!layer) throw new Error("the image has no layer");
  const { digest } = layer.descriptor;

  await one.push(url, "team/app", "v1");
  // The layers are there already, which is asked with HEAD.
  await one.push(url, "team/app", "v2");
  await one.push(url, "team/app");
  await ask("GET", "team/app/manifests/v1");
  await ask("HEAD", "team/app/manifests/v1");
  await ask("GET", `team/app/manifests/${one.digest}`);
  await ask("GET", `team/app/manifests/v1`, { "if-none-match": `"${one.digest}"` });
  await ask("GET", "team/app/manifests/gone");
  await ask("GET", `team/app/blobs/${digest}`);
  await ask("GET", `team/app/blobs/${digest}`, { range: "bytes=0-3" });
  await ask("GET", `team/app/blobs/sha256:${"0".repeat(64)}`);
  await ask("GET", "team/app/tags/list");
  await ask("POST", `team/copy/blobs/uploads/?mount=${digest}&from=team/app`);
  await ask("POST", `team/copy/blobs/uploads/?mount=${digest}&from=team/app`);
  await ask("POST", `team/copy/blobs/uploads/?mount=sha256:${"0".repeat(64)}&from=team/app`);
  await other.push(url, "team/other", "old");
  await ask("DELETE", `team/app/manifests/${one.digest}`);
  await ask("DELETE", `team/app/manifests/${one.digest}`);
  await ask("DELETE", `team/app/blobs/${digest}`);
  return said;
}

/** What must be equal: all but what differs with every registry, request and moment. */
function comparable(
  { id, timestamp, action, target, request, actor, source }: WireEvent,
  host: string,
) {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  return {
    id: uuid.test(id),
    timestamp: Math.abs(Date.parse(timestamp) - Date.now()) < 120_000,
    action,
    target: { ...target, url: target.url?.replace(host, "HOST") },
    request: {
      ...request,
      id: uuid.test(request.id),
      host: request.host.replace(host, "HOST"),
      // Deliberately different: ours is the address alone, because the port says nothing behind a proxy.
      addr: request.addr.replace(/:\d+$/, ""),
    },
    actor,
    source: {
      addr: source.addr.replace(/:\d+$/, ""),
      instanceID: uuid.test(source.instanceID),
    },
  };
}

function sorted(to: Receiver, host: string): string[] {
  return to.events.map((event) => JSON.stringify(ordered(comparable(event, host)))).toSorted();
}

/** The same keys in the same order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, ordered(inner)]));
}

/** Deletes are told in the order in which they were done, of one request too. */
function changes(to: Receiver): string[] {
  return to.events
    .filter(({ action }) => action !== "pull")
    .map(({ action, target }) => `${action} ${target.repository} ${target.tag ?? target.digest}`);
}

async function quiet(to: Receiver): Promise<void> {
  let before = -1;
  await eventually(
    async () => {
      const same = to.events.length === before;
      before = to.events.length;
      await Bun.sleep(400);
      return same;
    },
    (same) => same,
  );
}

group("the events of docker-registry", ["docker-registry"], () => {
  test("are ours, field by field", async () => {
    await using folder = await temporaryFolder();
    await using theirs = receiver();
    await using ours = receiver();
    const [one, other] = [image({ layers: 2 }), image({ layers: 1 })];
    const hosts: string[] = [];
    const answers: string[][] = [];
    {
      const notifications = { endpoints: [{ ...ENDPOINT, url: theirs.url }] };
      await using registry = await startDockerRegistry(folder.at("theirs"), { notifications });
      hosts.push(registry.host);
      answers.push(await everyday(registry.url, one, other));
      await quiet(theirs);
    }
    {
      const config = { notifications: { endpoints: [{ ...ENDPOINT, url: ours.url }] } };
      await Bun.write(folder.at("wharf.yaml"), JSON.stringify(config));
      const args = [folder.at("wharf.yaml")];
      await using registry = await startWharf({ data: folder.at("ours"), args });
      hosts.push(registry.host);
      answers.push(await everyday(registry.url, one, other));
      await quiet(ours);
    }

    expect(answers[1]).toEqual(answers[0] ?? []);
    expect(theirs.events.length).toBeGreaterThan(20);
    expect(sorted(ours, hosts[1] ?? "")).toEqual(sorted(theirs, hosts[0] ?? ""));
    expect(changes(ours)).toEqual(changes(theirs));
    expect(ours.deliveries[0]?.headers["content-type"]).toBe(
      theirs.deliveries[0]?.headers["content-type"] ?? "",
    );
    expect(ours.events[0]?.source.addr.split(":")[0]).toBe(hostname());
  });

  /** What is different on purpose; docs/notifications.md has the list. */
  test("differ where it is said: a tag can be deleted, and a blob that was not sent was not pulled", async () => {
    await using folder = await temporaryFolder();
    await using theirs = receiver();
    await using ours = receiver();
    const one = image({ layers: 1 });
    const digest = one.blobs[0]?.descriptor.digest ?? "";
    const run = async (url: string, to: Receiver): Promise<number[]> => {
      await one.push(url, "team/app", "v1");
      await quiet(to);
      const known = { headers: { "if-none-match": `"${digest}"` } };
      const blob = await fetch(`${url}/v2/team/app/blobs/${digest}`, known);
      const tag = await fetch(`${url}/v2/team/app/manifests/v1`, { method: "DELETE" });
      await quiet(to);
      return [blob.status, tag.status];
    };
    const last = ({ events }: Receiver): unknown[] =>
      events.slice(one.blobs.length + 1).map(({ action, target }) => ({ action, tag: target.tag }));
    {
      const notifications = { endpoints: [{ ...ENDPOINT, url: theirs.url }] };
      await using registry = await startDockerRegistry(folder.at("theirs"), { notifications });
      expect(await run(registry.url, theirs)).toEqual([304, 400]);
    }
    const config = { notifications: { endpoints: [{ ...ENDPOINT, url: ours.url }] } };
    await Bun.write(folder.at("wharf.yaml"), JSON.stringify(config));
    const args = [folder.at("wharf.yaml")];
    await using registry = await startWharf({ data: folder.at("ours"), args });
    expect(await run(registry.url, ours)).toEqual([304, 202]);

    expect(last(theirs)).toEqual([{ action: "pull", tag: undefined }]);
    expect(last(ours)).toEqual([{ action: "delete", tag: "v1" }]);
  });
});
