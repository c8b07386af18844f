import type { Config } from "../config/schema.ts";
import { type Collect, collectorOf } from "../keep/collect/choose.ts";
import { RegistryError } from "../oci/errors.ts";
import type { PruneResult } from "../plan/prune-result.ts";
import type { Terminal } from "./terminal.ts";
import { humanSize } from "./units.ts";

/**
 * What `--collect` does at a registry, as its `collect` says. Throws USAGE where there is nothing, and
 * CONFIG_INVALID for what can be seen to be wrong with it before anything is deleted.
 */
export function collectorAfter(
  entry: Config["registries"][number] | undefined,
  terminal: Terminal,
): Collect {
  const say = (facts: Readonly<Record<string, unknown>>, message: string): void =>
    terminal.note(`${entry?.name}: ${message}${factsText(facts)}`);
  const collect = entry
    ? collectorOf(entry, { environment: terminal.environment, now: Date.now, say })
    : null;
  if (collect) return collect;
  const reason = `--collect: ${entry?.name ?? "this registry"} has no \`collect\` in the configuration`;
  throw new RegistryError("USAGE", { reason });
}

/** Collects where something was deleted. Throws PARTIAL when not all of it was done. */
export async function collectAfter(
  name: string,
  collect: Collect,
  result: PruneResult,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const { tags, manifests } = result.totals;
  if (tags + manifests === 0 || stop.aborted) return;
  const done = await collect({ asked: stop, hard: new AbortController().signal });
  const bytes = done.bytes === null ? "" : `, ${humanSize(done.bytes)}`;
  if (done.outcome === "done") return say(`${name}: collected${bytes}`);
  const reason = `${name}: the collection was ${done.outcome}: ${done.reason ?? "no reason is known"}`;
  throw new RegistryError("PARTIAL", { reason });
}

function factsText(facts: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(facts).map(([key, value]) => `${key} ${String(value)}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
