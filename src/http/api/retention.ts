import { resolve } from "node:path";
import type { Config } from "../../config/schema.ts";
import type { Handler } from "../exchange.ts";
import { json } from "../reply.ts";

/**
 * By which policies this registry goes, and when, as its configuration has it: for commands that plan and
 * apply from outside. Durations are milliseconds. Files are named by absolute paths, on this machine.
 */
export const getRetention: Handler = async ({ operations }) => {
  const { retention = [], prune } = operations.retention?.() ?? {};
  return json({
    schemaVersion: 1,
    policies: retention.map(withPlaces),
    prune: prune ?? null,
  });
};

type Policy = Config["retention"][number];

function withPlaces(policy: Policy): Policy {
  return {
    ...policy,
    keep: policy.keep.map((rule) =>
      rule.inUse ? { ...rule, inUse: rule.inUse.map(withPlace) } : rule,
    ),
  };
}

/** A source that names a file does so from where this process runs. */
function withPlace(source: string): string {
  const [, kind, path] = /^(file|manifests|kubernetes):(.+)$/s.exec(source) ?? [];
  return kind === undefined || path === undefined ? source : `${kind}:${resolve(path)}`;
}
