import { RegistryError } from "../oci/errors.ts";
import type { Environment } from "./environment.ts";

/** Where the images registry:2 and registry:3 have their configuration. */
const PLACES = ["/etc/docker/registry/config.yml", "/etc/distribution/config.yml"];

/**
 * The configuration that a `registry` executable uses: the one it is told, else the one that
 * REGISTRY_CONFIGURATION_PATH names, else the first that is where the images have it. Throws CONFIG_INVALID.
 */
export function distributionFile(
  told: string | undefined,
  environment: Environment,
  exists: (path: string) => boolean,
): string {
  const named = told || environment["REGISTRY_CONFIGURATION_PATH"];
  const found = named || PLACES.find(exists);
  if (found) return found;
  throw new RegistryError("CONFIG_INVALID", {
    reason:
      "no configuration was named, REGISTRY_CONFIGURATION_PATH is not set, " +
      `and there is neither ${PLACES.join(" nor ")}`,
  });
}
