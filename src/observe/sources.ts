import { Counter, Gauge, type Registry } from "prom-client";
import type { CollectionFigures } from "./collection-source.ts";

/** Where the figures are that are looked up when somebody asks. They may fail: then they are left out. */
export interface Sources {
  /** Requests whose answer is not complete. */
  requestsInFlight?(): number;
  uploads?(): { readonly open: number; readonly busy: number; readonly bytes: number };
  cache?(): { readonly hits: number; readonly misses: number };
  /** What the tree has not followed yet: how many changes, and for how many seconds. */
  journal?(): Promise<{ readonly entries: number; readonly seconds: number }>;
  /** What was removed and can be restored: how many things, and how many bytes emptying the trash frees. */
  trash?(): Promise<{ readonly entries: number; readonly bytes: number }>;
  disk?(): Promise<Disk>;
  /** Lines of the access log that nobody took in time. */
  accessLogDropped?(): number;
  readOnly?(): boolean;
  collection?(): Promise<CollectionFigures>;
  /** Whether retention is being applied at this moment. */
  pruning?(): boolean;
  /** Who is told of changes: how many events wait, and what became of the others. */
  endpoints?(): Promise<readonly EndpointCounts[]>;
  /** Each thing that is checked, and whether it works. */
  checks?(): Promise<readonly { readonly check: string; readonly ok: boolean }[]>;
  /** UTC milliseconds. */
  certificateExpiry?(): number | null;
}

export interface EndpointCounts {
  readonly name: string;
  readonly pending: number;
  readonly delivered: number;
  /** Deliveries that failed, each to be tried again. */
  readonly failed: number;
  /** Events that it will never hear of. */
  readonly dropped: number;
}

export interface Disk {
  /** Bytes that this process may still write, and all there are. */
  readonly free: number;
  readonly total: number;
  /** Files that can still be created; null: the file system has no such limit. */
  readonly freeFiles: number | null;
}

type Awaitable<T> = T | Promise<T>;
type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

/**
 * Makes figures known that somebody else keeps. One that cannot be had is left out, and the others are
 * said: whoever watches must not be blind because of a disk that does not answer.
 */
export function registerSources(registry: Registry, sources: () => Sources): void {
  const registers = [registry];
  const family = (
    kind: "gauge" | "counter",
    name: string,
    help: string,
    labelNames: readonly string[],
    rows: () => Awaitable<readonly Row[] | null | undefined>,
  ): void => {
    const said = { name, help, registers, labelNames: [...labelNames] };
    if (kind === "gauge") {
      void new Gauge({
        ...said,
        async collect() {
          const found = await attempt(rows);
          this.reset();
          if (labelNames.length === 0) this.remove();
          for (const [labels, value] of found) this.set(labels, value);
        },
      });
    } else {
      void new Counter({
        ...said,
        async collect() {
          const found = await attempt(rows);
          this.reset();
          for (const [labels, value] of found) this.inc(labels, value);
        },
      });
    }
  };
  const gauge = (name: string, help: string, value: () => Awaitable<number | null | undefined>) =>
    family("gauge", name, help, [], async () => one(await value()));
  const total = (name: string, help: string, value: () => number | undefined) =>
    family("counter", name, help, [], () => one(value()));

  const disk = shared(() => sources().disk?.());
  const journal = shared(() => sources().journal?.());
  const trash = shared(() => sources().trash?.());
  const endpoints = shared(() => sources().endpoints?.());
  const ofEndpoints = (value: (endpoint: EndpointCounts) => number) => async () =>
    (await endpoints())?.map((each): Row => [{ endpoint: each.name }, value(each)]);

  gauge("wharf_http_requests_in_flight", "Requests whose answer is not complete", () =>
    sources().requestsInFlight?.(),
  );
  gauge("wharf_uploads_open", "Unfinished uploads", () => sources().uploads?.().open);
  gauge(
    "wharf_uploads_busy",
    "Unfinished uploads that receive bytes just now",
    () => sources().uploads?.().busy,
  );
  total(
    "wharf_upload_bytes_total",
    "Bytes of layers and other blobs received",
    () => sources().uploads?.().bytes,
  );
  total(
    "wharf_cache_hits_total",
    "Look-ups that were answered from memory",
    () => sources().cache?.().hits,
  );
  total(
    "wharf_cache_misses_total",
    "Look-ups that had to ask the database",
    () => sources().cache?.().misses,
  );
  gauge(
    "wharf_journal_entries",
    "Changes that the tree has not followed yet",
    async () => (await journal())?.entries,
  );
  gauge(
    "wharf_tree_lag_seconds",
    "For how long the tree has been behind; 0: it is not",
    async () => (await journal())?.seconds,
  );
  gauge(
    "wharf_trash_entries",
    "Removals that can be restored",
    async () => (await trash())?.entries,
  );
  gauge(
    "wharf_trash_bytes",
    "Bytes in the trash, which emptying it frees",
    async () => (await trash())?.bytes,
  );
  gauge(
    "wharf_disk_free_bytes",
    "Bytes that can still be written in the data folder",
    async () => (await disk())?.free,
  );
  gauge(
    "wharf_disk_total_bytes",
    "Size of the file system of the data folder",
    async () => (await disk())?.total,
  );
  gauge(
    "wharf_disk_free_files",
    "Files that can still be created in the data folder",
    async () => (await disk())?.freeFiles,
  );
  gauge("wharf_read_only", "1 in read-only mode, else 0", () => asNumber(sources().readOnly?.()));
  gauge("wharf_tls_certificate_expiry_seconds", "When the certificate expires, in Unix time", () =>
    inSeconds(sources().certificateExpiry?.()),
  );
  total("wharf_access_log_dropped_total", "Lines of the access log that nobody took in time", () =>
    sources().accessLogDropped?.(),
  );
  family(
    "gauge",
    "wharf_check_ok",
    "1: what /readyz checks works, 0: it does not",
    ["check"],
    async () => {
      const checks = await sources().checks?.();
      return checks?.map(({ check, ok }): Row => [{ check }, ok ? 1 : 0]);
    },
  );
  const collection = shared(() => sources().collection?.());
  const byKind = (of: "runs" | "removed", label: string) => async () =>
    Object.entries((await collection())?.[of] ?? {}).map(([key, n]): Row => [{ [label]: key }, n]);
  family(
    "counter",
    "wharf_gc_runs_total",
    "Collections of garbage, by how they ended",
    ["outcome"],
    byKind("runs", "outcome"),
  );
  family(
    "counter",
    "wharf_gc_removed_total",
    "What collections have removed, by kind",
    ["kind"],
    byKind("removed", "kind"),
  );
  family(
    "counter",
    "wharf_gc_trashed_bytes_total",
    "Bytes that collections have moved into the trash",
    [],
    async () => one((await collection())?.bytes),
  );
  gauge("wharf_gc_running", "1 while garbage is collected, else 0", async () =>
    asNumber((await collection())?.running),
  );
  gauge("wharf_prune_running", "1 while retention is applied, else 0", () =>
    asNumber(sources().pruning?.()),
  );
  gauge(
    "wharf_gc_queue",
    "Manifests, links and repositories that may be garbage when they are old enough",
    async () => (await collection())?.queued,
  );
  gauge(
    "wharf_gc_waiting_bytes",
    "Bytes of garbage that wait for their owner's yes",
    async () => (await collection())?.waitingBytes,
  );
  gauge("wharf_gc_last_run_seconds", "When the last collection ended, in Unix time", async () =>
    inSeconds((await collection())?.lastEndedAt),
  );
  const label = ["endpoint"];
  const pending = ofEndpoints((endpoint) => endpoint.pending);
  family("gauge", "wharf_notifications_pending", "Events that wait to be told", label, pending);
  family(
    "counter",
    "wharf_notifications_delivered_total",
    "Events that were told",
    label,
    ofEndpoints(({ delivered }) => delivered),
  );
  family(
    "counter",
    "wharf_notifications_failed_total",
    "Deliveries that failed and are tried again",
    label,
    ofEndpoints(({ failed }) => failed),
  );
  family(
    "counter",
    "wharf_notifications_dropped_total",
    "Pulls that came too fast and are never told",
    label,
    ofEndpoints(({ dropped }) => dropped),
  );
}

/** How long one look serves all figures that come from it. */
const SHARED_MS = 100;

/** Several figures of one look: those who ask at the same time share it. */
function shared<T>(look: () => Promise<T> | undefined): () => Promise<T | undefined> {
  let found: Promise<T> | undefined;
  let at = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = performance.now();
    if (now - at > SHARED_MS) {
      found = look();
      at = now;
    }
    return await found;
  };
}

async function attempt(
  rows: () => Awaitable<readonly Row[] | null | undefined>,
): Promise<readonly Row[]> {
  try {
    return (await rows()) ?? [];
  } catch {
    return [];
  }
}

function one(value: number | null | undefined): readonly Row[] {
  return value === null || value === undefined ? [] : [[{}, value]];
}

function asNumber(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function inSeconds(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : ms / 1000;
}
