import type { z } from "zod";
import { definitionOf, shapeOf, unwrap } from "./schema-walk.ts";
import { HIDDEN } from "./secrets.ts";

/**
 * Settings with all defaults, as they would stand in a wharf.yaml, without secrets. Keys that have no value
 * are left out. Pure.
 */
export function inForce(value: unknown, outer: z.core.$ZodType): unknown {
  const { type, meta, fallback } = unwrap(outer);
  const given = value ?? fallback;
  if (given === undefined || given === null) return undefined;
  if (meta.secret === true) return masked(given);
  const def = definitionOf(type);
  if (Array.isArray(given)) {
    return def.type === "array" ? given.map((one) => inForce(one, def.element)) : given;
  }
  const shape = shapeOf(type);
  if (shape === null || typeof given !== "object") return given;
  const entries = Object.entries(shape).map(
    ([key, inner]) => [key, inForce((given as Record<string, unknown>)[key], inner)] as const,
  );
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}

/** Of a URL the part that says whose it is; of anything else its shape. */
function masked(value: unknown): unknown {
  if (typeof value === "string") {
    const host = /^https?:\/\/(?:[^/@]*@)?([^/?#@]+)/.exec(value);
    return host === null
      ? HIDDEN
      : `${value.startsWith("https") ? "https" : "http"}://${host[1]}/${HIDDEN}`;
  }
  if (Array.isArray(value)) return value.map(() => HIDDEN);
  if (typeof value !== "object" || value === null) return HIDDEN;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, masked(one)]));
}
