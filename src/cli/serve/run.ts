import { hostname as machineName } from "node:os";
import { join, resolve as absolute } from "node:path";
import { createGate } from "../../auth/create-gate.ts";
import type { Gate } from "../../auth/gate.ts";
import type { Loaded } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { CertificateWatch } from "../../http/certificate-watch.ts";
import { type Certificates, readCertificates } from "../../http/certificates.ts";
import { startDebugServer } from "../../http/debug.ts";
import type { Operations } from "../../http/operations.ts";
import { type RunningServer, startServer } from "../../http/server.ts";
import { type Finding, Health } from "../../observe/health.ts";
import { LineWriter } from "../../observe/line-writer.ts";
import { type Log, createLog } from "../../observe/log.ts";
import { createMetrics } from "../../observe/metrics.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isLoopback } from "../../oci/loopback.ts";
import { readDecider } from "../../plan/open-prune.ts";
import type { Registry } from "../../registry/registry.ts";
import { openRegistry } from "../../registry/open.ts";
import { OURS } from "../../storage/tree.ts";
import { hasColours, type Terminal } from "../terminal.ts";
import { usersOf } from "../users-file.ts";
import { Announcements } from "./announcements.ts";
import { assemble, rulesOf } from "./assemble.ts";
import { startCollector } from "./collect.ts";
import { healthChecks } from "./checks.ts";
import { eventsOf } from "./events.ts";
import { sourcesOf } from "./figures.ts";
import { type Running, reload } from "./reload.ts";
import { startPruning } from "./prune.ts";
import { startTrashKeeper } from "./trash.ts";
import { hostAndPort, welcome } from "./welcome.ts";

/**
 * Runs the registry until it is stopped. `load` reads the configuration; at each reload it is called again.
 *
 * What was started last is closed first, whatever ends it: a failure on the way, or a signal.
 */
export async function run(load: () => Loaded, terminal: Terminal): Promise<void> {
  const { config, kind, warnings, needless } = load();
  let inForce = (): Config => config;
  await using closing = new AsyncDisposableStack();
  const log = createLog(config.log, terminal.stderrIsTerminal, hasColours(terminal));
  for (const warning of warnings) log.warn(warning);
  if (needless.length > 0) log.info({ settings: needless }, "these settings are not needed here");
  const accessLog = new LineWriter(async (text) => await terminal.output(text));
  closing.defer(async () => await accessLog.close());
  const metrics = createMetrics();
  const health = new Health({ changed: (finding, error) => tell(finding, error, log) });
  const operations: { -readonly [K in keyof Operations]: Operations[K] } = {
    health,
    metrics,
    collector: null,
    pruning: null,
    retention: () => inForce(),
  };
  // From the first moment: without a listener this signal ends the process. One after the other.
  const started = Promise.withResolvers<Running>();
  let reloads: Promise<void> = Promise.resolve();
  terminal.onReload(() => {
    reloads = reloads.then(async () => await reload(await started.promise, load));
  });

  // What a fault in the settings would stop must stop it before anything is opened.
  const makeGate = async (auth: Config["auth"]): Promise<Gate> => {
    const { data } = config;
    const places = { htpasswd: usersOf({ auth, data }), own: join(absolute(data), OURS) };
    return await createGate(auth, places, (facts, message) => log.warn(facts, message));
  };
  const gate = await makeGate(config.auth);
  const certificates = config.tls ? readCertificates(config.tls) : null;
  const debugPort = debugServer(config, operations, log, closing);

  const open = await openRegistry(config.data, rulesOf(config), eventsOf(log, metrics));
  closing.defer(async () => {
    log.info("bringing the tree up to date");
    await open.close();
  });
  // Its key lies in the data folder, which is ours from here on.
  await gate.issuer?.open();
  const announcements = await Announcements.open(config, open.registry.metadata, log);
  closing.defer(async () => await announcements.close());
  const registry = { ...open.registry, metadata: announcements.metadata };
  let served = (): Registry => registry;
  const { pulls } = announcements;
  const settings = assemble(config, { metrics, accessLog, gate, pulls, now: registry.now });
  const server = listen(config, () => {
    const tls = certificates?.options ?? null;
    return startServer(registry, { ...config.listen, ...settings, tls, operations }, log);
  });
  const watch = watchCertificates(config, certificates, server, log);
  closing.defer(() => watch?.close());

  const collector = await startCollector(open, () => inForce(), kind, terminal.environment, log);
  closing.defer(async () => await collector.close());
  operations.collector = collector;
  const place = (): string =>
    `${config.tls ? "https" : "http"}://${hostAndPort({ ...config.listen, port: server.port })}`;
  const pruning = await startPruning({
    registry: () => served(),
    config: () => inForce(),
    ...open.collecting,
    decider: async (policies, now) =>
      await readDecider(policies, now, {
        environment: terminal.environment,
        warn: (line) => log.warn(line),
      }),
    place,
    metrics,
    log,
  });
  closing.defer(async () => await pruning.close());
  operations.pruning = pruning;
  const trash = startTrashKeeper(open, () => inForce(), log);
  closing.defer(async () => await trash.close());
  const lasting = {
    server,
    announcements,
    watch,
    makeGate,
    metrics,
    accessLog,
    log,
    collector,
    pruning,
  };
  const running: Running = { config, registry, gate, ...lasting };
  inForce = () => running.config;
  served = () => running.registry;
  started.resolve(running);
  metrics.watch({
    ...sourcesOf(config.data, open.figures, server, health, accessLog),
    endpoints: async () => await announcements.states(),
    trash: async () => await open.registry.metadata.sumTrash(),
    readOnly: () => running.config.readOnly,
    collection: async () => await collector.figures(),
    certificateExpiry: () => watch?.shown.expires ?? null,
  });
  health.start(
    healthChecks(
      () => running.registry,
      () => running.config.readOnly,
    ),
  );
  open.announce(place());
  announcements.start(`${machineName()}:${server.port}`);
  for (const line of welcome(server.port, debugPort, config)) terminal.print(line);
  await untilStopped(running, health, terminal);
  await closing.disposeAsync();
  log.info("stopped");
}

/** Starts before the data folder is open: how far that has come is one of the things to be asked. */
function debugServer(
  config: Config,
  operations: Operations,
  log: Log,
  closing: AsyncDisposableStack,
): number | null {
  const { debug } = config;
  if (!debug) return null;
  const server = listen({ listen: debug.listen }, () => startDebugServer(debug.listen, operations));
  closing.defer(async () => await server.stop());
  const { hostname } = debug.listen;
  if (!isLoopback(hostname)) {
    log.warn(
      { listen: hostAndPort({ hostname, port: server.port }) },
      "metrics and health can be read without a password by whoever reaches this address",
    );
  }
  return server.port;
}

/** Throws CONFIG_INVALID when the address cannot be had. */
function listen<T>({ listen: address }: Pick<Config, "listen">, start: () => T): T {
  try {
    return start();
  } catch (error) {
    const reason = `cannot listen on ${hostAndPort(address)} (${(error as Error).message})`;
    throw new RegistryError("CONFIG_INVALID", { reason }, { cause: error });
  }
}

function watchCertificates(
  { tls }: Config,
  shown: Certificates | null,
  server: RunningServer,
  log: Log,
): CertificateWatch | null {
  if (!tls || !shown) return null;
  return new CertificateWatch(tls, shown, async (options) => await server.present(options), log);
}

function tell({ check, reason }: Finding, error: unknown, log: Log): void {
  if (reason === null) log.info({ check }, "a check works again");
  else log.error({ check, reason, err: error }, "a check fails");
}

/** The first wish to stop lets transfers end, for as long as the configuration says; the second cuts them off. */
async function untilStopped(running: Running, health: Health, terminal: Terminal): Promise<void> {
  const { server, log } = running;
  await new Promise<void>((resolve, reject) => {
    let stopping = false;
    const cutOff = (why: object): void => {
      log.info(why, "cutting off what still runs");
      server.abort().then(resolve, reject);
    };
    terminal.onStop((signal) => {
      health.stop();
      if (stopping) return cutOff({ signal });
      stopping = true;
      log.info({ signal }, "stopping when all transfers have ended");
      const { drain } = running.config;
      const late = drain === undefined ? null : setTimeout(() => cutOff({ drain }), drain);
      server
        .stop()
        .then(resolve, reject)
        .finally(() => late && clearTimeout(late));
    });
  });
}
