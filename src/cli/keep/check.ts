import { parseAddress } from "../../client/address.ts";
import type { Config } from "../../config/schema.ts";
import { collectorOf } from "../../keep/collect/choose.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isLoopback } from "../../oci/loopback.ts";
import { hostAndPort } from "../serve/welcome.ts";
import type { Terminal } from "../terminal.ts";

/** Throws CONFIG_INVALID for what a run would stumble over, and that can be seen before. */
export function demandUsable({ registries }: Config, environment: Terminal["environment"]): void {
  if (registries.length === 0) {
    const reason =
      "registries: there is none to look after; name them in a wharf.yaml (a registry's own config.yml names none)";
    throw new RegistryError("CONFIG_INVALID", { reason });
  }
  for (const entry of registries) {
    try {
      parseAddress(entry.url);
    } catch (error) {
      const reason = `registries: ${entry.name}: url: ${(error as Error).message}`;
      throw new RegistryError("CONFIG_INVALID", { reason }, { cause: error });
    }
    collectorOf(entry, { environment, now: Date.now, say: () => undefined });
  }
}

/** What should be said loudly of a configuration. Pure. */
export function remarks({ keep, registries }: Config): string[] {
  const open = !isLoopback(keep.listen.hostname);
  const where = hostAndPort(keep.listen);
  return [
    ...(open && keep.password === undefined
      ? [`anyone who reaches ${where} may start a pruning: set keep.username and keep.password`]
      : []),
    ...(open && keep.eventToken === undefined
      ? [
          `anyone who reaches ${where} may tell of pushes and pulls, which keeps images longer; and what is not pulled ` +
            "is not believed to be unused: set keep.eventToken",
        ]
      : []),
    ...registries.flatMap(({ name, prune, collect }) => {
      const idle = !prune && (!collect || collect.with === "none");
      return idle ? [`registries: ${name}: nothing is done by itself: no prune, no collect`] : [];
    }),
    ...registries.flatMap(({ name, collect }) =>
      collect?.deleteUntagged === true &&
      (collect.with === "registry" || collect.with === "docker-exec")
        ? [
            `registries: ${name}: collect.deleteUntagged: the garbage-collect of a registry 2 takes the platforms of ` +
              "multi-platform images as well, although their index has a tag; `with: tree` does not",
          ]
        : [],
    ),
  ];
}
