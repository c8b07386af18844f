import { join } from "node:path";
import { type AnyLoaded, readAnyConfig } from "../../src/config/any.ts";
import type { Environment } from "../../src/config/environment.ts";
import type { Config } from "../../src/config/schema.ts";
import { RegistryError } from "../../src/oci/errors.ts";
import { temporaryFolder } from "./folder.ts";

/** A working configuration of one of the old tools. */
export function legacyFile(path: string): string {
  return join(import.meta.dir, "../fixtures/legacy", path);
}

/** Reads a file of this text; the text of the refusal if it is refused. */
export async function readText(
  text: string,
  environment: Environment = {},
): Promise<AnyLoaded | string> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "config");
  await Bun.write(file, text);
  return read(file, environment);
}

export function read(file: string | null, environment: Environment = {}): AnyLoaded | string {
  try {
    return readAnyConfig({ file, environment, flags: {}, fromVariables: true });
  } catch (error) {
    if (error instanceof RegistryError && error.kind === "CONFIG_INVALID") return error.message;
    throw error;
  }
}

/** The settings of what was taken. */
export function taken(loaded: AnyLoaded | string): Config {
  if (typeof loaded === "string") throw new Error(loaded);
  return loaded.config;
}

export function refused(loaded: AnyLoaded | string): string {
  if (typeof loaded !== "string") throw new Error("it was accepted");
  return loaded;
}
