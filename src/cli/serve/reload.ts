import { isDeepStrictEqual } from "node:util";
import type { Gate } from "../../auth/gate.ts";
import type { Loaded } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import type { Collector } from "../../gc/collector.ts";
import type { CertificateWatch } from "../../http/certificate-watch.ts";
import { readCertificates } from "../../http/certificates.ts";
import type { RunningServer } from "../../http/server.ts";
import type { LineWriter } from "../../observe/line-writer.ts";
import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import { RegistryError } from "../../oci/errors.ts";
import { rememberProtected } from "../../registry/protected.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Announcements } from "./announcements.ts";
import { assemble, rulesOf } from "./assemble.ts";
import type { ServedPruning } from "./prune.ts";
import { compare } from "./compare.ts";

/** A registry that runs, and by which settings. */
export interface Running {
  config: Config;
  /** As it is served. */
  registry: Registry;
  gate: Gate;
  readonly server: RunningServer;
  readonly announcements: Announcements;
  /** Null: no TLS. */
  readonly watch: CertificateWatch | null;
  /** With the users and tokens of the data folder that is open, whichever the configuration names by now. */
  readonly makeGate: (auth: Config["auth"]) => Promise<Gate>;
  readonly metrics: Metrics;
  readonly accessLog: LineWriter;
  readonly log: Log;
  readonly collector: Pick<Collector, "changed">;
  readonly pruning: Pick<ServedPruning, "changed">;
}

/**
 * Reads the configuration again and goes by it, or by none of it. What may fail is done before anything
 * is changed, but for two things that a new configuration makes fail only together with the machine:
 * showing a certificate that was read and checked, and asking the database who listens. Never throws: a
 * registry that runs goes on.
 */
export async function reload(running: Running, load: () => Loaded): Promise<void> {
  const { log, metrics } = running;
  try {
    const { config, kind, warnings } = load();
    refuseLostGate(running.config, config, kind);
    const { applied, waiting } = compare(running.config, config);
    await apply(running, config);
    metrics.reloaded("applied");
    for (const warning of warnings) log.warn(warning);
    log.info({ changed: applied }, "the configuration was read again");
    if (waiting.length > 0) {
      log.warn({ settings: waiting }, "changed, but only a restart applies it");
    }
  } catch (error) {
    metrics.reloaded("refused");
    const reason = (error as Error).message;
    log.error({ reason }, "the new configuration cannot be used; all goes on as before");
  }
}

/**
 * A file that is empty, or half written, is a configuration without `auth`. What asked for passwords or for
 * certificates until now shall not stop to because of that: only because somebody said so. At a start it is
 * another matter, as the address is checked then.
 */
function refuseLostGate(before: Config, after: Config, kind: Loaded["kind"]): void {
  if (typeof after.auth === "object") return;
  if (before.tls?.clientCAs && after.tls && !after.tls.clientCAs) {
    throw lost("tls.clientCAs", "restart if nobody shall need a certificate");
  }
  const said = kind === "wharf" && after.auth === "none";
  if (typeof before.auth !== "object" || said) return;
  const how = kind === "wharf" ? "say `auth: none`" : "restart";
  throw lost("auth", `${how} if nobody shall need a password`);
}

function lost(setting: string, remedy: string): RegistryError {
  const reason = `${setting}: it was set, and is not any more; ${remedy}`;
  return new RegistryError("CONFIG_INVALID", { reason });
}

async function apply(running: Running, config: Config): Promise<void> {
  const { server, watch, announcements, config: before } = running;
  // What the gate remembers, passwords that were right and addresses that were wrong, is worth keeping.
  const sameUsers = isDeepStrictEqual(before.auth, config.auth);
  const gate = sameUsers ? running.gate : await running.makeGate(config.auth);
  await gate.issuer?.open();
  const certificates = watch && config.tls ? readCertificates(config.tls) : null;

  // Also when the setting is the same: the files may be others.
  if (watch && config.tls && certificates) await watch.follow(config.tls, certificates);
  await announcements.follow(config);
  await rememberProtected(running.registry.metadata, config.gc.protected);
  running.gate = gate;
  // What is shown stays what it is compared with: whether there is TLS waits for a restart.
  running.config = { ...config, tls: watch ? (config.tls ?? before.tls) : undefined };
  running.registry = {
    ...running.registry,
    metadata: announcements.metadata,
    rules: rulesOf(config),
  };
  running.registry.pulls.hold(config.readOnly);
  running.log.level = config.log.level;
  const { metrics, accessLog, registry } = running;
  const { pulls } = announcements;
  const settings = assemble(config, { metrics, accessLog, gate, pulls, now: registry.now });
  server.change(settings, registry);
  running.collector.changed();
  running.pruning.changed();
}
