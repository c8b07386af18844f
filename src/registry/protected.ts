import type { MetadataReads, MetadataWrites } from "../metadata/metadata.ts";
import { type Digest, isDigest } from "../oci/digest.ts";

/** Digests that the settings protect from collection: for commands that work on the folder without them. */
const SETTING = "collect-protects";

/** What the settings have protected when the folder was served last. */
export async function protectedIn(metadata: Pick<MetadataReads, "getSetting">): Promise<Digest[]> {
  const text = await metadata.getSetting(SETTING);
  return (text ?? "").split(" ").filter((word) => isDigest(word));
}

/** To be told at every start, and whenever the settings have changed. */
export async function rememberProtected(
  metadata: Pick<MetadataReads, "getSetting"> & Pick<MetadataWrites, "setSetting">,
  digests: readonly Digest[],
): Promise<void> {
  const text = digests.join(" ");
  if (((await metadata.getSetting(SETTING)) ?? "") !== text)
    await metadata.setSetting(SETTING, text);
}
