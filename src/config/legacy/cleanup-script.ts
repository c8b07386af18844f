import { Section } from "../distribution-section.ts";
import type { Environment } from "../environment.ts";
import { containing, exactly } from "./patterns.ts";
import { Draft, type Translation } from "./translation.ts";
import { address, anyNumber, durationText, nameUnused, registryName, truth } from "./values.ts";

const DAY = 86_400_000;
const DELETING = {
  part: "cleanup",
  known: ["days_to_keep", "protected_tags", "protected_patterns"],
};
/** Names that the script never deletes, although its configuration does not say so. */
const SPECIAL = ["buildcache", "latest", "cache"];

/**
 * Translates the config.json of the script that deletes images by their age, whose scalars are texts. DEBUG is
 * its one variable. Pure.
 */
export function translateCleanupScript(
  document: Readonly<Record<string, unknown>>,
  variables: Environment,
): Translation {
  const draft = new Draft("cleanup-script");
  const unused: string[] = [];
  const top = new Section(document, "", {
    faults: draft.faults,
    unused,
    needless: [],
    remarks: [],
  });
  const registry = top.section("registry");
  const cleanup = top.section("cleanup");
  const paths = top.section("paths");
  const container = registry.text("container");
  const debug = truth(variables["DEBUG"] || "false", "DEBUG", draft) === true;
  const settings = {
    retention: [policy(cleanup, draft)],
    registries: [
      {
        name: registryName(container ?? "registry"),
        url: urlOf(registry, draft),
        ...credentials(registry, draft),
        collect: collector(container, paths, draft),
      },
    ],
    // The lines that its users may have programs for.
    log: { level: debug ? "debug" : undefined, format: "dated" },
  };
  // The path within the container, for measuring alone.
  paths.text("storage");
  top.nameRest(["registry", "cleanup", "paths"]);
  nameUnused(unused, DELETING, draft);
  return draft.translation(settings);
}

function policy(cleanup: Section, draft: Draft): object {
  const days = cleanup.text("days_to_keep");
  if (days === undefined) cleanup.fault("days_to_keep", "must be set");
  const at = cleanup.at("days_to_keep");
  const age = days === undefined ? null : anyNumber(days, at, draft);
  draft.from(at, "retention.0.delete.0.olderThan", age);
  const keep: object[] = [];
  const add = (tags: readonly string[], key: string, text: string | null): void => {
    if (tags.length === 0) return;
    draft.from(key, `retention.0.keep.${keep.length}`, tags);
    if (text !== null) draft.remark(`retention.0.keep.${keep.length}`, key, text);
    keep.push({ tags });
  };
  const names = filled(cleanup, "protected_tags");
  add(names.map(exactly), cleanup.at("protected_tags"), null);
  const patterns = filled(cleanup, "protected_patterns");
  add(
    patterns.map((text) => containing(text, true)),
    cleanup.at("protected_patterns"),
    "anywhere in the tag, in capitals or not",
  );
  add(
    SPECIAL,
    "cleanup",
    "the script skips these names, although its configuration does not say so",
  );
  draft.remark(
    "retention.0.delete.0",
    at,
    "by the time that the image says it was built, of an index the latest of its images. What says 1970, " +
      "as reproducible builds do, or nothing, counts from its push, and without any time it stays. A digest " +
      "goes only when all of its tags go",
  );
  draft.remark(
    "retention.0",
    "cleanup",
    "of all repositories, not only the first 100. A repository that would lose every tag is kept, and " +
      "reported; `limits: { emptyRepositories: true }` lets it go",
  );
  return {
    name: "cleanup",
    repositories: ["**"],
    delete: [{ tags: ["*"], olderThan: durationText((age ?? 0) * DAY), clock: "created" }],
    keep,
  };
}

/** An empty one would protect every tag, or none: nobody means that. */
function filled(cleanup: Section, key: string): string[] {
  const texts = cleanup.texts(key);
  for (const [index, text] of texts.entries()) {
    if (text.trim() === "") cleanup.fault(`${key}.${index}`, "is empty");
  }
  return texts.filter((text) => text.trim() !== "");
}

function urlOf(registry: Section, draft: Draft): string | undefined {
  const url = registry.text("url");
  const key = registry.at("url");
  if (url === undefined) registry.fault("url", "must be set");
  return draft.from(key, "registries.0.url", url === undefined ? url : address(url, key, draft));
}

/** The script goes without them unless there are both. */
function credentials(registry: Section, draft: Draft): object {
  const username = registry.text("user");
  const password = registry.text("password");
  if (username === undefined || password === undefined) {
    if (username === undefined && password === undefined) return {};
    registry.fault(
      username === undefined ? "user" : "password",
      "must be set, as the other one is",
    );
    return {};
  }
  draft.from(registry.at("password"), "registries.0.password", password);
  return { username, password: draft.secret("REGISTRY_PASSWORD", password) };
}

function collector(
  container: string | undefined,
  paths: Section,
  draft: Draft,
): object | undefined {
  const config = paths.text("config");
  const data = paths.text("host_storage");
  const exec = container === undefined ? undefined : { with: "docker-exec", container, config };
  if (data === undefined && exec === undefined) return undefined;
  if (data === undefined) {
    draft.remark(
      "registries.0.collect",
      paths.at("config"),
      "as the script did; `with: tree` and `data`, the folder of the registry's volume, is our own " +
        "collector, which keeps the children of multi-platform images",
    );
    return exec;
  }
  draft.remark(
    "registries.0.collect",
    paths.at("host_storage"),
    "our own collector on the registry's folder; it keeps the children of multi-platform images, and puts " +
      "what goes into a trash" +
      (exec === undefined
        ? ""
        : `. As the script did: \`with: docker-exec\`, \`container: ${container}\`, \`config: ${config}\``),
  );
  return {
    with: "tree",
    data: draft.from(paths.at("host_storage"), "registries.0.collect.data", data),
  };
}
