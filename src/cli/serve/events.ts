import type { Log } from "../../observe/log.ts";
import type { Metrics } from "../../observe/metrics.ts";
import type { OpenEvents } from "../../registry/open.ts";

/** Between two lines that say how far a long work has come. */
const PROGRESS_MS = 1000;

/** What an open registry tells, as lines of the log and as metrics. */
export function eventsOf(log: Log, metrics: Metrics): OpenEvents {
  let said = performance.now();
  return {
    reading(repositories) {
      if (performance.now() - said < PROGRESS_MS) return;
      said = performance.now();
      log.info({ repositories }, "comparing the tree");
    },
    read: ({ repositories, manifests, tags, problems }) => {
      if (repositories === 0) return;
      log.info({ repositories, manifests, tags, problems: problems.length }, "the tree was read");
    },
    info: (facts, message) => log.info(facts, message),
    warn: (facts, message) => log.warn(facts, message),
    committed: (changes, ms) => metrics.committed(changes, ms),
  };
}
