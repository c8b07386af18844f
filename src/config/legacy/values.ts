import { parseDuration, parseGoDuration } from "../duration.ts";
import { nearest } from "../nearest.ts";
import type { Draft } from "./translation.ts";

/** A whole number that is not below zero; null: it is none, which is a fault. */
export function wholeNumber(text: string, key: string, draft: Draft): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const below = /^-\d+$/.test(text);
  draft.fault(key, `${JSON.stringify(text)} is ${below ? "below 0" : "not a number"}`);
  return null;
}

/** A number that is not below zero, with or without a fraction; null: it is none, which is a fault. */
export function anyNumber(text: string, key: string, draft: Draft): number | null {
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  return wholeNumber(text, key, draft);
}

/** YAML 1.1 and programs have many words for these; null: it is none of them, which is a fault. */
export function truth(text: string, key: string, draft: Draft): boolean | null {
  if (/^(?:true|yes|on|y|1)$/i.test(text)) return true;
  if (/^(?:false|no|off|n|0)$/i.test(text)) return false;
  draft.fault(key, `${JSON.stringify(text)} is neither true nor false`);
  return null;
}

/** A duration in Go's notation as one of ours; null: it is none, which is a fault; "0": off. */
export function goDuration(text: string, key: string, draft: Draft): string | null {
  const milliseconds = /^[+-]?0+$/.test(text)
    ? 0
    : /[a-zµμ]$/.test(text)
      ? parseGoDuration(text)
      : null;
  if (milliseconds === null) {
    const days = /^\d+d$/.test(text) ? `; ${text} is ${Number.parseInt(text, 10) * 24}h` : "";
    draft.fault(key, `${JSON.stringify(text)} is not a duration, such as 24h, 90m or 1h30m${days}`);
    return null;
  }
  if (milliseconds === 0) return "0";
  return parseDuration(text) === milliseconds ? text : durationText(milliseconds);
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

/** Milliseconds as a duration of ours: `30d`, `36h`, `1500ms`. Pure. */
export function durationText(milliseconds: number): string {
  const whole = Math.round(milliseconds);
  const [unit, size] = UNITS.find(([, ms]) => whole > 0 && whole % ms === 0) ?? ["ms", 1];
  return `${whole / size}${unit}`;
}

/** The registry's address; a fault where it is none, or has a password in it. */
export function address(text: string, key: string, draft: Draft): string | undefined {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol) || /\s/.test(text)) {
    draft.fault(key, "is not the URL of a registry, such as http://registry:5000");
    return undefined;
  }
  if (url.username !== "" || url.password !== "") {
    draft.fault(key, "has a user or a password in it; they have keys of their own");
    return undefined;
  }
  // Tools put paths such as /v2/ behind it.
  const rest = `${url.pathname}${url.search}${url.hash}`.replace(/^\/(?:v2\/?)?$/, "");
  if (rest !== "")
    draft.remark("registries", key, `what stands behind the host is left out: ${rest}`);
  return text.replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?[^/?#]*).*$/is, "$1");
}

/** A name of ours for a registry: letters, digits, dots and dashes. Pure. */
export function registryName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[._-]+/, "") || "registry";
}

/** A name for the variable of a registry's secret. Ours begin with WHARF_, and others must not. Pure. */
export function variableName(registry: string, what: string): string {
  const name = `${registry}_${what}`.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
  return /^(?:[0-9]|WHARF_|_)/.test(name) ? `REGISTRY_${name.replace(/^_+/, "")}` : name;
}

/**
 * Says which keys have no effect. In the part that says what is deleted, one that is nearly a key that has an
 * effect is a fault, and so is a wish to delete nothing: what it should have protected would go.
 *
 * `part`: the path of that part; `known`: the keys in it.
 */
export function nameUnused(
  unused: readonly string[],
  { part, known }: { readonly part: string; readonly known: readonly string[] },
  draft: Draft,
): void {
  for (const path of unused) {
    const key = path.split(".").at(-1) ?? "";
    const near = path.startsWith(`${part}.`) ? nearest(key, known) : null;
    if (near !== null) draft.fault(path, `is not known; did you mean ${near}?`);
    else if (/^dry.?run/i.test(key)) {
      draft.fault(
        path,
        "is not known here, and nothing would go by it; `-n` only shows what would go",
      );
    } else draft.remark("", path, "is not known, and has no effect");
  }
}
