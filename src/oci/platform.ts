import { isRecord } from "./json.ts";

/**
 * `os/architecture[/variant]`, from an object with these keys: the platform of a descriptor or the config
 * of an image (OCI image spec, "Image Index" and "Image Configuration"). Null when it names no platform.
 */
export function platformOf(value: unknown): string | null {
  if (!isRecord(value)) return null;
  const { os, architecture, variant } = value;
  // Artifacts have configs that leave both empty.
  if (typeof os !== "string" || typeof architecture !== "string" || !os || !architecture) {
    return null;
  }
  const base = `${os}/${architecture}`;
  return typeof variant === "string" && variant ? `${base}/${variant}` : base;
}

/** The platform of an image by the bytes of its config; null when they are no JSON, as an artifact's may be. */
export function configPlatform(bytes: Uint8Array): string | null {
  try {
    return platformOf(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return null;
  }
}

/** Each platform once, in the order given. Attestations stand in an index as a platform that nobody has. */
export function knownPlatforms(list: readonly (string | null | undefined)[]): string[] {
  const known = list.filter((one) => typeof one === "string").filter((one) => one !== UNKNOWN);
  return [...new Set(known)];
}

const UNKNOWN = "unknown/unknown";
