import type { Gate } from "../../auth/gate.ts";
import type { Config } from "../../config/schema.ts";
import { logAccess } from "../../http/access-log.ts";
import { measure } from "../../http/measure.ts";
import type { Observer } from "../../http/observer.ts";
import { pullObserver } from "../../http/pulls.ts";
import type { ServerSettings } from "../../http/server.ts";
import type { LineWriter } from "../../observe/line-writer.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { PullSink } from "../../notify/outbox.ts";
import { pullRule } from "../../registry/pull-rules.ts";
import type { Rules } from "../../registry/registry.ts";

/** Bytes: the spec asks for at least 4 MB; registry:2 takes 4 MiB. */
const MAX_MANIFEST_SIZE = 8 * 1024 * 1024;

/** What the server is put together from. */
export interface Parts {
  readonly metrics: Metrics;
  readonly accessLog: LineWriter;
  readonly gate: Gate;
  /** Where pulls are noticed; null when nobody wants to hear of them. */
  readonly pulls: PullSink | null;
  /** UTC milliseconds. */
  readonly now: () => number;
}

/** Puts together what the server goes by: at the start, and again at each reload. What it makes needs no closing. */
export function assemble(config: Config, parts: Parts): ServerSettings {
  return {
    publicUrl: config.publicUrl ?? config.prefix ?? "",
    prefix: config.prefix ?? "",
    gate: parts.gate,
    trustedProxies: config.trustedProxies,
    observers: observersOf(config, parts),
    headers: config.headers,
    limits: config.limits,
    readOnly: config.readOnly,
  };
}

/** What the use cases go by. */
export function rulesOf(config: Config): Rules {
  return {
    delete: config.delete,
    sparse: config.sparse,
    maxManifestSize: MAX_MANIFEST_SIZE,
    readOnly: config.readOnly,
    pulls: pullRule(config.pulls.heads, config.pulls.ignore),
    grace: config.gc.grace,
    uploads: { inAll: config.limits.uploads, inOne: config.limits.uploadsPerRepository },
  };
}

/** Who hears of every answer. */
function observersOf({ log }: Config, { metrics, accessLog, pulls, now }: Parts): Observer[] {
  const observers = [measure(metrics)];
  if (pulls) observers.push(pullObserver(pulls, now));
  if (log.access !== "none") observers.push(logAccess(log.access, accessLog));
  return observers;
}
