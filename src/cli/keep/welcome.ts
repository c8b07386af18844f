import { resolve as absolute } from "node:path";
import type { Config } from "../../config/schema.ts";
import { hostAndPort } from "../serve/welcome.ts";

/** What a person reads who has started it. */
export function welcome(port: number, { keep, registries }: Config): string[] {
  const address = `http://${hostAndPort({ ...keep.listen, port })}`;
  const width = Math.max(14, ...registries.map(({ name }) => name.length));
  return [
    `Wharfinger keeps ${registries.length === 1 ? "a registry" : `${registries.length} registries`}, and listens on ${address}`,
    `  ${"state".padEnd(width)}  ${absolute(keep.state)}`,
    ...registries.map((entry) => `  ${entry.name.padEnd(width)}  ${entry.url}; ${does(entry)}`),
    `Notifications go to ${address}/events; \`curl ${address}/registries\` says how all are doing.`,
  ];
}

function does({ prune, collect }: Config["registries"][number]): string {
  const pruning = prune ? (prune.dryRun ? "plans what to prune" : "prunes") : null;
  const collecting = collect && collect.with !== "none" ? `collects (${collect.with})` : null;
  return [pruning, collecting].filter(Boolean).join(", ") || "nothing by itself";
}
