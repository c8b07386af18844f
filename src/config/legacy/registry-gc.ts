import type { Environment } from "../environment.ts";
import { Draft, type Translation } from "./translation.ts";
import { address, goDuration, wholeNumber } from "./values.ts";

const CONFIG = "/etc/docker/registry/config.yml";

/** What logrus calls levels, and what is nearest to them here. */
const LEVELS: Readonly<Record<string, string>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
  fatal: "error",
  panic: "error",
};

/**
 * Translates the variables of registry-gc, the sidecar that listens for deletes, prunes by a number of tags,
 * and collects. An empty variable is one that is not set, as for the tool.
 *
 * `config`: where the registry's own configuration lies, when it is not where the images have it. Pure.
 */
export function translateRegistryGc(
  variables: Environment,
  config: string | undefined = variables["REGISTRY_CONFIGURATION_PATH"],
): Translation {
  const draft = new Draft("registry-gc");
  const value = (key: string): string | undefined => variables[key]?.trim() || undefined;
  const login = credentials(variables, draft);
  const count = wholeNumber(value("KEEP_N") ?? "10", "KEEP_N", draft);
  const every = goDuration(value("PRUNE_INTERVAL") ?? "24h", "PRUNE_INTERVAL", draft);
  const workers = wholeNumber(value("WORKERS") ?? "8", "WORKERS", draft);
  const level = value("LOG_LEVEL")?.toLowerCase() ?? "info";
  if (LEVELS[level] === undefined) {
    draft.fault("LOG_LEVEL", `${JSON.stringify(level)} is not debug, info, warn or error`);
  }
  remarks(draft, { count, every, open: login.username === undefined });
  const url = draft.from("REGISTRY_URL", "registries.0.url", value("REGISTRY_URL"));
  return draft.translation({
    retention: draft.from("KEEP_N", "retention", count ? [policy(count)] : []),
    registries: [
      {
        name: "registry",
        url: address(url ?? "http://registry-server:5000", "REGISTRY_URL", draft),
        ...login,
        concurrency: draft.from("WORKERS", "registries.0.concurrency", workers ?? undefined),
        prune: draft.from(
          "PRUNE_INTERVAL",
          "registries.0.prune.every",
          every === null || every === "0" ? undefined : { every },
        ),
        collect: { with: "tree", config: config || CONFIG, afterDeletes: "1m" },
      },
    ],
    keep: { listen: ":8080", ...login },
    log: { level: draft.from("LOG_LEVEL", "log.level", LEVELS[level]) },
  });
}

function policy(newest: number): object {
  return {
    name: "keep-newest",
    repositories: ["**"],
    delete: [{ tags: ["*"] }],
    keep: [{ newest, orderBy: "semver" }],
  };
}

function credentials(variables: Environment, draft: Draft) {
  const username = variables["REGISTRY_USER"] || undefined;
  const password = variables["REGISTRY_PASS"] || undefined;
  if (username !== undefined && password === undefined) {
    draft.fault("REGISTRY_PASS", "is not set, and REGISTRY_USER is");
  }
  if (username === undefined && password !== undefined) {
    draft.fault("REGISTRY_USER", "is not set, and REGISTRY_PASS is");
  }
  if (username === undefined || password === undefined) return {};
  for (const place of ["registries.0", "keep"]) {
    draft.from("REGISTRY_USER", `${place}.username`, username);
    draft.from("REGISTRY_PASS", `${place}.password`, password);
  }
  return { username, password: draft.secret("REGISTRY_PASS", password) };
}

interface Findings {
  readonly count: number | null;
  readonly every: string | null;
  readonly open: boolean;
}

function remarks(draft: Draft, { count, every, open }: Findings): void {
  if (count === 0) {
    draft.remark("retention", "KEEP_N", "0 is off: no tag is ever deleted");
  } else {
    draft.remark(
      "retention.0.keep.0",
      "KEEP_N",
      "v1.10.0 is newer than v1.9.0, with and without the v; tags that are no versions come after the " +
        "versions, the latest push first. The tool compared them as text, and never got as far: its " +
        "_catalog?n=10000 is refused by registry 2.8.2",
    );
    draft.remark(
      "retention.0.delete.0",
      "KEEP_N",
      "a digest goes only when all of its tags go, so an old tag that shares its digest with one that stays " +
        "stays as well; `replaceTags: true` at the registry lets such a tag be removed alone",
    );
  }
  if (every === "0")
    draft.remark("registries.0", "PRUNE_INTERVAL", "0 is off: pruned on demand alone");
  draft.remark(
    "registries.0.collect",
    "",
    "our own collector, which keeps the children of multi-platform images, and puts what goes into a trash. " +
      "`with: registry` runs `registry garbage-collect` as the tool did",
  );
  draft.remark(
    "keep.listen",
    "",
    "POST /events, /gc and /prune as before. A collection waits for a minute of quiet after the last " +
      "delete, at most 10; what comes while one runs starts another",
  );
  if (open) {
    draft.remark(
      "keep",
      "REGISTRY_USER",
      "without REGISTRY_USER and REGISTRY_PASS the registry is taken as open, and pruned, where the tool " +
        "did nothing; anybody who reaches the port may start a pruning",
    );
  } else {
    draft.remark(
      "keep.username",
      "REGISTRY_USER",
      "callers of /prune must show them as well, as the tool promised and did not check",
    );
  }
}
