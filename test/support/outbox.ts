import { temporaryFolder } from "./folder.ts";
import type { Receiver } from "./receiver.ts";
import { schema } from "../../src/config/schema.ts";
import { digestFor, pushOf } from "../../src/metadata/contract/fixtures.ts";
import type { Who } from "../../src/metadata/event.ts";
import type { Metadata } from "../../src/metadata/metadata.ts";
import { openSqlite } from "../../src/metadata/sqlite.ts";
import { OCI_IMAGE } from "../../src/oci/media-types.ts";
import { type RepositoryName, parseName } from "../../src/oci/name.ts";
import type { Log } from "../../src/observe/log.ts";
import { type Outbox, openOutbox } from "../../src/notify/outbox.ts";

export const APP = parseName("team/app");
export const WHO: Who = {
  at: 1,
  requestId: crypto.randomUUID(),
  actor: "ann",
  address: "10.0.0.1",
  scheme: "http",
  host: "registry.example",
  method: "PUT",
  agent: "docker",
};

export interface Line {
  readonly level: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** An outbox on tables of its own. */
export interface World extends AsyncDisposable {
  readonly lines: readonly Line[];
  metadata(): Metadata;
  /** The same, past the outbox. */
  tables(): Metadata;
  outbox(): Outbox;
  /** Pushes a manifest with this tag. */
  push(tag: string, name?: RepositoryName): Promise<void>;
  pull(tag: string): void;
  /** Ends and begins anew, with other settings if they are given. */
  restart(settings?: object): Promise<void>;
}

export async function world(settings: object): Promise<World> {
  const folder = await temporaryFolder();
  const lines: Line[] = [];
  const log = Object.fromEntries(
    ["debug", "info", "warn", "error"].map((level) => [
      level,
      (facts: Line["facts"], message: string) => void lines.push({ level, facts, message }),
    ]),
  ) as unknown as Log;
  let current = settings;
  let metadata: Metadata;
  let outbox: Outbox;
  const open = async (): Promise<void> => {
    metadata = await openSqlite(folder.at("metadata.sqlite"));
    const { notifications } = schema.parse({ notifications: current });
    const baseUrl = ({ scheme, host }: { scheme: string; host: string }): string =>
      `${scheme}://${host}`;
    outbox = await openOutbox(notifications, {
      metadata,
      baseUrl,
      log,
      chance: () => 0,
      checkMs: 500,
    });
    outbox.start("here:5000");
  };
  const close = async (): Promise<void> => {
    await outbox.close();
    await metadata.close();
  };
  await open();
  return {
    lines,
    metadata: () => outbox.metadata,
    tables: () => metadata,
    outbox: () => outbox,
    async push(tag, name = APP) {
      const by = { ...WHO, requestId: crypto.randomUUID() };
      await outbox.metadata.putManifest(pushOf(name, "manifest", { tags: [tag] }), by);
    },
    pull(tag) {
      outbox.pulls?.offer(() => ({
        id: crypto.randomUUID(),
        kind: "manifest",
        path: `/v2/team/app/manifests/${tag}`,
        digest: digestFor("manifest"),
        mediaType: OCI_IMAGE,
        size: 8,
        by: { ...WHO, requestId: crypto.randomUUID(), method: "GET" },
      }));
    },
    async restart(next = current) {
      await close();
      current = next;
      await open();
    },
    async [Symbol.asyncDispose]() {
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

export function endpoint(to: Receiver, settings: object = {}): object {
  return { name: "a", url: to.url, backoff: "50ms", threshold: 2, ...settings };
}

export async function tags(to: Receiver, count: number): Promise<unknown[]> {
  return (await to.until(count)).map(({ target }) => target.tag);
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `t${n}`);
}
