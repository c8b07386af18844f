import type { Config } from "../../config/schema.ts";
import type { InUseRoots } from "../../gc/in-use-roots.ts";
import { readInUse } from "../../inventory/in-use-read.ts";

/**
 * Reads what somebody runs from all sources that the policies name, for a collection; null: they name none. Never
 * throws: a source that cannot be read is a failure of the answer.
 */
export async function readRoots(
  { retention }: Pick<Config, "retention">,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<InUseRoots | null> {
  const sources = retention.flatMap(({ keep }) => keep.flatMap(({ inUse = [] }) => inUse));
  if (sources.length === 0) return null;
  const readings = [...(await readInUse(sources, { environment })).values()];
  const images = readings.flatMap((reading) => ("images" in reading ? [reading.images] : []));
  const failed = readings.find((reading) => "failure" in reading);
  return {
    failure: failed && "failure" in failed ? failed.failure : null,
    has: (name, digest) => images.some((one) => one.digest(name, digest) !== null),
  };
}
