import { openDescriber } from "../client/describe.ts";
import type { Describer } from "../client/description.ts";
import { parseImageName } from "../client/image.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Found, Target } from "./delete-plan.ts";
import type { Missing } from "./delete-report.ts";
import type { Registries } from "./registry-options.ts";

/** Throws USAGE for a name that does not say what shall go. */
export function parseTarget(image: string, registries: Registries): Target {
  const { host, repository, reference } = parseImageName(image);
  if (reference === null) {
    const reason = `${repository} is a whole repository; say ${repository}:TAG or ${repository}@DIGEST`;
    throw new RegistryError("USAGE", { reason });
  }
  return { image, host, registry: registries.at(host).address.origin, repository, reference };
}

/** Asks the registries what each image is, and what shares its digest. */
export async function look(
  targets: readonly Target[],
  registries: Registries,
): Promise<{ readonly found: readonly Found[]; readonly missing: readonly Missing[] }> {
  const describers = new Map<string, Describer>();
  const found: Found[] = [];
  const missing: Missing[] = [];
  for (const target of targets) {
    const { image, host, registry, repository, reference } = target;
    const describer = describers.get(registry) ?? openDescriber(registries.at(host));
    describers.set(registry, describer);
    try {
      found.push({ target, description: await describer.manifest(repository, reference) });
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      missing.push({ image, error });
    }
  }
  return { found, missing };
}
