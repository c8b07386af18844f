import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "./folder.ts";
import { client } from "./peers.ts";
import { run } from "./run.ts";
import { distributionConfig } from "./server.ts";

/** A registry of the distribution family that may be here, to take turns with ours on one folder. */
export interface OtherRegistry {
  readonly name: string;
  /** Null when it is not here; `missing` says why, and whether that is a failure with CI=true. */
  readonly program: string | null;
  readonly missing: { readonly reason: string; readonly required: boolean };
}

const debian = client("docker-registry");

export const otherRegistries: readonly OtherRegistry[] = [
  {
    name: "docker-registry",
    program: "path" in debian ? debian.path : null,
    missing: { reason: "reason" in debian ? debian.reason : "", required: true },
  },
  {
    // No package of Debian has it: `go install github.com/distribution/distribution/v3/cmd/registry@v3.1.1`.
    name: "registry 3",
    program: process.env["REGISTRY_3"] ?? Bun.which("registry-3"),
    missing: {
      reason: "REGISTRY_3 names no executable of registry 3, and no registry-3 is on the PATH",
      required: false,
    },
  },
];

/** What its `garbage-collect` says it does. The registry must not run. */
export async function collectGarbage(
  program: string,
  data: string,
  ...flags: string[]
): Promise<string> {
  await using folder = await temporaryFolder();
  const config = join(folder.path, "config.yml");
  await writeFile(config, distributionConfig(data, "127.0.0.1:0"));
  return await run([program, "garbage-collect", ...flags, config]);
}
