import { resolve as absolute } from "node:path";
import { mkdirSync } from "node:fs";
import type { Loaded } from "../../config/load.ts";
import type { Config } from "../../config/schema.ts";
import { Inbox } from "../../keep/inbox.ts";
import { Keepers } from "../../keep/keepers.ts";
import { KeepGate } from "../../keep/listener/gate.ts";
import { type KeepServer, startListener } from "../../keep/listener/server.ts";
import { createKeepMetrics } from "../../keep/metrics.ts";
import { type KeepState, openKeepState } from "../../keep/state.ts";
import { Health } from "../../observe/health.ts";
import { type Log, createLog } from "../../observe/log.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isLoopback } from "../../oci/loopback.ts";
import { pullRule } from "../../registry/pull-rules.ts";
import { lockFolder } from "../../storage/lock.ts";
import { hostAndPort } from "../serve/welcome.ts";
import { hasColours, type Terminal } from "../terminal.ts";
import { demandUsable, remarks } from "./check.ts";
import { tellOf } from "./events.ts";
import { type KeepInForce, reloadKeep } from "./reload.ts";
import { welcome } from "./welcome.ts";
import { workOf } from "./work.ts";

/** Between two writings of pulls that were told of. */
const FLUSH_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

/**
 * Looks after registries until it is stopped. `load` reads the configuration; at each reload it is called
 * again. What was started last is closed first, whatever ends it.
 */
export async function runKeep(load: () => Loaded, terminal: Terminal): Promise<void> {
  const { config, warnings } = load();
  await using closing = new AsyncDisposableStack();
  const log = createLog(config.log, terminal.stderrIsTerminal, hasColours(terminal));
  const { environment } = terminal;
  demandUsable(config, environment);
  for (const warning of [...warnings, ...remarks(config)]) log.warn(warning);

  const state = openState(config.keep.state, closing);
  const inForce: KeepInForce = { config };
  const metrics = createKeepMetrics();
  const health = new Health({
    changed: ({ check, reason }, error) =>
      reason === null
        ? log.info({ check }, "a check works again")
        : log.error({ check, reason, err: error }, "a check fails"),
  });
  const now = Date.now;
  const report = tellOf(() => inForce.config, metrics, log);
  closing.defer(async () => await report.close());
  const keepers = new Keepers({
    jobs: state.jobs,
    events: report.events,
    work: (entry) => workOf(entry, inForce.config, { environment, state, log, now }),
    now,
  });
  const rule = remembered((pulls: Config["pulls"]) => pullRule(pulls.heads, pulls.ignore));
  const inbox = new Inbox({
    keepers,
    times: state.times,
    listening: state.listening,
    believed: () => isBelieved(inForce.config.keep),
    counts: () => rule(inForce.config.pulls),
    heard: (what) => {
      metrics.heard(what);
      if (what.registry === null && what.push + what.pull + what.delete === 0) {
        log.debug(what, "events that nothing follows from");
      }
    },
    now,
  });
  metrics.watch({ statuses: () => keepers.statuses(), forgotten: () => state.times.dropped });
  const server = listen(config, () =>
    startListener(config.keep.listen, {
      keepers,
      inbox,
      gate: new KeepGate(
        () => inForce.config.keep,
        () => performance.now(),
      ),
      health,
      metrics: async () => ({
        text: await metrics.registry.metrics(),
        contentType: metrics.registry.contentType,
      }),
      answered: (what, error) => {
        const told = what.route?.endsWith("/events") === true;
        if (told && what.status >= 400) metrics.refused(what.status);
        // A registry tells of each pull: a line for each would be its whole access log.
        const usual = what.method !== "POST" || (told && what.status < 400);
        const level = what.status >= 500 ? "error" : usual ? "debug" : "info";
        log[level]({ ...what, ...(what.status >= 500 && { err: error }) }, "request");
      },
    }),
  );
  closing.defer(async () => await server.stop());

  let reloads: Promise<void> = Promise.resolve();
  terminal.onReload(() => {
    reloads = reloads.then(() => reloadKeep({ inForce, keepers, metrics, log, environment }, load));
  });
  keepFlushing(state, log, closing);
  keepers.follow(config.registries);
  health.start([{ name: "state", run: async () => state.probe() }]);
  for (const line of welcome(server.port, config)) terminal.print(line);
  await untilStopped(keepers, health, log, terminal);
  await closing.disposeAsync();
  log.info("stopped");
}

function openState(folder: string, closing: AsyncDisposableStack): KeepState {
  const path = absolute(folder);
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    const reason = `keep.state: ${path}: ${(error as Error).message}`;
    throw new RegistryError("CONFIG_INVALID", { reason }, { cause: error });
  }
  // Two of them would do everything twice, at the same time.
  const lock = lockFolder(path);
  closing.defer(() => lock.release());
  const state = openKeepState(path);
  closing.defer(() => state.close());
  return state;
}

/** With a token, or where only this machine can tell. */
function isBelieved({ eventToken, listen: { hostname } }: Config["keep"]): boolean {
  return eventToken !== undefined || isLoopback(hostname);
}

function keepFlushing(state: KeepState, log: Log, closing: AsyncDisposableStack): void {
  let tidied = 0;
  state.listening.beat(Date.now());
  const timer = setInterval(() => {
    try {
      state.times.flush();
      state.listening.beat(Date.now());
      if (performance.now() - tidied < DAY_MS) return;
      tidied = performance.now();
      state.times.tidy(Date.now());
    } catch (error) {
      log.error({ err: error }, "pull times could not be written down; trying again");
    }
  }, FLUSH_MS);
  closing.defer(() => clearInterval(timer));
}

/** Throws CONFIG_INVALID when the address cannot be had. */
function listen({ keep }: Config, start: () => KeepServer): KeepServer {
  try {
    return start();
  } catch (error) {
    const reason = `cannot listen on ${hostAndPort(keep.listen)} (${(error as Error).message})`;
    throw new RegistryError("CONFIG_INVALID", { reason }, { cause: error });
  }
}

/** The first wish to stop ends runs at a safe point, the second at the nearest there is. */
async function untilStopped(
  keepers: Keepers,
  health: Health,
  log: Log,
  terminal: Terminal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let times = 0;
    terminal.onStop((signal) => {
      times++;
      health.stop();
      const going = keepers
        .statuses()
        .flatMap(({ registry, running }) => (running ? [`${running.kind} of ${registry}`] : []));
      const how = times === 1 ? "stopping at a safe point" : "stopping at the nearest safe point";
      log.info({ signal, ...(going.length > 0 && { waitingFor: going }) }, how);
      keepers.stop(times > 1).then(resolve, reject);
    });
  });
}

/** Makes something anew only when what it is made of is another one. */
function remembered<From, To>(make: (from: From) => To): (from: From) => To {
  let last: { readonly from: From; readonly to: To } | null = null;
  return (from) => {
    if (last?.from !== from) last = { from, to: make(from) };
    return last.to;
  };
}
