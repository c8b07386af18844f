import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { type Server, startServer } from "./process.ts";

const main = join(import.meta.dir, "..", "..", "src", "main.ts");

export interface KeepOptions {
  /** A configuration; null: what the environment says. */
  readonly config: string | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** `HOST:PORT`, where it must be at a port that others were told. */
  readonly listen?: string;
}

/** Starts `wharf keep` as a process of its own, on a free port. */
export async function startKeep({
  config,
  env = {},
  cwd,
  listen: fixed,
}: KeepOptions): Promise<Server> {
  const folder = cwd === undefined ? [] : ["env", "-C", cwd];
  return await startServer({
    ...(fixed !== undefined && { listen: fixed }),
    command: (listen) => [
      ...folder,
      process.execPath,
      main,
      "keep",
      ...(config === null ? [] : [config]),
      "--listen",
      listen,
    ],
    env: { ...clean(), ...env },
    ready: { path: "/livez", statuses: [200] },
  });
}

/** What the person who runs the tests has configured for himself must not reach it. */
function clean(): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WHARF|REGISTRY|OTEL)_/.test(name)),
  );
}

/** How the last run of a registry went, when it has ended. */
export interface LastRun {
  readonly outcome: string;
  readonly reason: string | null;
  readonly tags: number;
  readonly manifests: number;
  readonly bytes: number | null;
}

export interface JobStatus {
  readonly registry: string;
  readonly running: boolean;
  readonly waiting: boolean;
  readonly next: string | null;
  readonly last: (LastRun & { readonly ended: string | null; readonly began: string }) | null;
}

export async function jobOf(
  keep: Server,
  kind: "gc" | "prune",
  how?: RequestInit,
): Promise<JobStatus> {
  const reply = await fetch(`${keep.url}/${kind}`, how);
  const { registries } = (await reply.json()) as { registries: JobStatus[] };
  const [status] = registries;
  if (!status) throw new Error(`no registry: ${reply.status}`);
  return status;
}

/** Waits until a run of this kind has ended that began at or after a time, and nothing more is to be done. */
export async function ranSince(
  keep: Server,
  kind: "gc" | "prune",
  since: number,
  how?: RequestInit,
): Promise<LastRun> {
  const status = await eventually(
    async () => await jobOf(keep, kind, how),
    ({ running, waiting, last }) =>
      !running && !waiting && last?.ended != null && Date.parse(last.began) >= since,
    30_000,
  );
  if (!status.last) throw new Error(`it has not run\n${keep.logs()}`);
  return status.last;
}
