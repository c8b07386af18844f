import type { Config } from "../../config/schema.ts";
import { Collector, type CollectorSettings } from "../../gc/collector.ts";
import type { PastRun } from "../../gc/run-report.ts";
import type { Log } from "../../observe/log.ts";
import type { OpenRegistry } from "../../registry/open.ts";
import { awaitConsent } from "../../registry/consent.ts";
import { rememberProtected } from "../../registry/protected.ts";
import { readRoots } from "./in-use.ts";
import { counted, humanSize } from "../units.ts";

/** Collects garbage in a registry that is open, by the settings that are in force. */
export async function startCollector(
  open: OpenRegistry,
  config: () => Config,
  kind: "wharf" | "distribution",
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<Collector> {
  const { registry, collecting } = open;
  if (kind === "distribution") {
    const found = { found: false, foreign: true };
    await awaitConsent(registry.metadata, registry.now(), found).catch((error: unknown) =>
      log.warn({ err: error }, "it could not be written down that collecting waits for a yes"),
    );
  }
  await rememberProtected(registry.metadata, config().gc.protected).catch((error: unknown) =>
    log.warn({ err: error }, "it could not be written down which digests are protected"),
  );
  const collector = new Collector({
    registry,
    ...collecting,
    settings: () => settingsOf(config()),
    inUse: async () => await readRoots(config(), environment),
    events: {
      ended: (run) => tell(run, log),
      warn: (facts, message) => log.warn(facts, message),
    },
  });
  collector.start();
  void collecting.compared.then(async (compared) => {
    if (compared) await sayWhatWaits(collector, log);
  });
  return collector;
}

export function settingsOf({ gc, readOnly }: Config): CollectorSettings {
  const { protected: protectedDigests, ...others } = gc;
  return { ...others, protectedDigests, readOnly };
}

function tell({ id, outcome, reason, asked, ...run }: PastRun, log: Log): void {
  const { manifests, links, repositories, blobs, bytes, uploads, leftovers, restored } = run;
  const counts = { manifests, links, repositories, blobs, bytes, uploads, leftovers, restored };
  const nothing = Object.values(counts).every((count) => count === 0);
  const facts = { run: id, outcome, ...(reason !== null && { reason }), ...counts };
  if (nothing && !asked && outcome === "done") log.debug(facts, "nothing was to be collected");
  else log.info(facts, "garbage was collected");
}

/** In a tree that was taken over, until its owner has seen what would go. */
async function sayWhatWaits(collector: Collector, log: Log): Promise<void> {
  try {
    const waiting = await collector.measureWaiting();
    if (waiting === null || waiting.manifests + waiting.blobs === 0) return;
    log.info(
      waiting,
      `${humanSize(waiting.bytes)} of garbage in ${counted(waiting.blobs, "blob")} wait for their owner's yes: ` +
        "`wharf gc` shows what would go, and asks",
    );
  } catch (error) {
    log.warn({ err: error }, "what waits for its owner's yes could not be measured");
  }
}
