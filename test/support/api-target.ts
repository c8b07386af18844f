import { parseAddress } from "../../src/client/address.ts";
import { type Connection, openConnection } from "../../src/client/connection.ts";
import { openFactsCache } from "../../src/inventory/api/facts-cache.ts";
import type { PruneTarget } from "../../src/plan/prune-target.ts";
import { type ApiTargetOptions, apiTarget } from "../../src/plan/targets/api-target.ts";

/** A registry that is reached over its API. Leaving the scope closes it. */
export interface OpenTarget extends PruneTarget, AsyncDisposable {
  /** What it said. */
  readonly warnings: readonly string[];
}

/** Without retries, so that a test decides which request fails. `cache`: a file, that later targets use as well. */
export function openTarget(
  url: string,
  options: Partial<Omit<ApiTargetOptions, "cache">> & { readonly cache?: string } = {},
): OpenTarget {
  const warnings: string[] = [];
  const warn = (line: string): void => void warnings.push(line);
  const { origin } = parseAddress(url);
  const file = options.cache ?? null;
  const target = apiTarget({
    name: "test",
    connection: connectionTo(url),
    times: null,
    created: true,
    now: Date.now,
    repositories: null,
    concurrency: 8,
    replaceTags: false,
    warn,
    ...options,
    cache: openFactsCache({ file, origin, warn: file === null ? () => {} : warn, now: Date.now }),
  });
  return {
    ...target,
    warnings,
    async [Symbol.asyncDispose]() {
      await target.close();
    },
  };
}

export function connectionTo(url: string): Connection {
  return openConnection(parseAddress(url), { credentials: { find: async () => null } });
}

/** The tags of a repository and what they name, asked without any of our code. */
export async function tagsAt(url: string, repository: string): Promise<Record<string, string>> {
  const answer = await fetch(`${url}/v2/${repository}/tags/list`);
  const { tags } = (await answer.json()) as { tags: string[] | null };
  const found = (tags ?? []).map(async (tag) => [tag, await digestAt(url, repository, tag)]);
  return Object.fromEntries(await Promise.all(found)) as Record<string, string>;
}

/** "": it is not there. */
export async function digestAt(
  url: string,
  repository: string,
  reference: string,
): Promise<string> {
  const answer = await fetch(`${url}/v2/${repository}/manifests/${reference}`, {
    method: "HEAD",
    headers: {
      accept:
        "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json",
    },
  });
  return answer.ok ? (answer.headers.get("docker-content-digest") ?? "") : "";
}
