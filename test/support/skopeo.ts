import { containersIn } from "./containers.ts";
import type { Folder } from "./folder.ts";
import { clientPath } from "./peers.ts";
import { run } from "./run.ts";

export interface Skopeo {
  /** `copy --all`: an index with all that it names. */
  copy(from: string, to: string, ...flags: string[]): Promise<void>;
  tags(repository: string): Promise<string[]>;
  /** The manifest as the registry has it, byte for byte. */
  manifest(from: string): Promise<string>;
  /** Any other command; skopeo wants its flags for each one separately. */
  other(...command: string[]): Promise<string>;
}

/** skopeo over plain HTTP, with its files in a folder of the test. */
export async function skopeoIn(folder: Folder): Promise<Skopeo> {
  const env = await containersIn(folder.at("skopeo"));
  const other = (...command: string[]): Promise<string> =>
    run([clientPath("skopeo"), "--insecure-policy", ...command], { env });
  return {
    async copy(from, to, ...flags) {
      const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
      await other("copy", "--quiet", "--all", "--retry-times=0", ...plain, ...flags, from, to);
    },
    async tags(repository) {
      const { Tags } = JSON.parse(await other("list-tags", "--tls-verify=false", repository)) as {
        Tags: string[];
      };
      return Tags.toSorted();
    },
    manifest: (from) => other("inspect", "--raw", "--tls-verify=false", from),
    other,
  };
}
