import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/schema.ts";

/** Settings that the process reads once. All others are in force from the next request on. */
const AT_START = [
  "listen",
  "data",
  "debug",
  "log.format",
  "log.fields",
  "limits.connections",
  "limits.idle",
  "limits.head",
  "limits.uploads",
  "limits.uploadsPerRepository",
];

/** Settings that are said in parts. */
const IN_PARTS = ["log", "limits", "gc", "trash"];

/** Settings by name that differ, in the order of their names. */
export interface Changes {
  readonly applied: readonly string[];
  /** They wait for the next start. */
  readonly waiting: readonly string[];
}

/**
 * What another configuration would change in a running registry. Only names: values may be secrets.
 * Certificates can be replaced; whether there is TLS at all is known to the socket. Pure.
 */
export function compare(before: Config, after: Config): Changes {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) => {
    const [old, now] = [member(before, key), member(after, key)];
    if (isDeepStrictEqual(old, now)) return [];
    return IN_PARTS.includes(key) ? inner(key, old, now) : [key];
  });
  changed.sort();
  const turned = (before.tls === undefined) !== (after.tls === undefined);
  const waits = (name: string): boolean => AT_START.includes(name) || (name === "tls" && turned);
  return {
    applied: changed.filter((name) => !waits(name)),
    waiting: changed.filter((name) => waits(name)),
  };
}

function inner(key: string, old: unknown, now: unknown): string[] {
  const names = Object.keys({ ...(old as object), ...(now as object) });
  return names
    .filter((name) => !isDeepStrictEqual(member(old, name), member(now, name)))
    .map((name) => `${key}.${name}`);
}

function member(value: unknown, key: string): unknown {
  return (value as Readonly<Record<string, unknown>> | undefined)?.[key];
}
