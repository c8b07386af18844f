import { measureUsage, usageOfMetadata } from "../../inventory/measure-usage.ts";
import { RegistryError } from "../../oci/errors.ts";
import { type NameGlob, parseNameGlob } from "../../oci/name-glob.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Handler } from "../exchange.ts";
import { jsonLines } from "../json-lines.ts";
import { inTurn } from "../turns.ts";

/** It reads what is known of everything; several at once would only slow each other and everybody else. */
const busy = new WeakSet<Registry["storage"]>();
/** Of one request. */
const MOST_GLOBS = 100;

/**
 * How many bytes each repository, folder and tag takes, as JSON lines: `{"progress"}` while it counts, then
 * `{"repository"}`, `{"entry"}` and `{"folder"}`, and `{"done"}` at the end. An answer without the last one
 * has broken off.
 */
export const getUsage: Handler = async ({ query, registry }) => {
  const globs = query.getAll("repository").map(parse);
  if (globs.length > MOST_GLOBS) throw bad(`repository: it stands more than ${MOST_GLOBS} times`);
  const wanted = (path: string): boolean =>
    globs.length === 0 ||
    globs.some((glob) => glob.matches(path as Parameters<NameGlob["matches"]>[0]));
  const source = usageOfMetadata(registry.metadata);
  return jsonLines(
    await inTurn(busy, registry.storage, "another count", measureUsage(source, wanted)),
  );
};

function parse(text: string): NameGlob {
  const glob = parseNameGlob(text);
  if ("reason" in glob) throw bad(`repository: ${glob.reason}`);
  return glob;
}

function bad(reason: string): RegistryError {
  return new RegistryError("PARAMETER_INVALID", { reason });
}
