import { type InUseSettings, readInUse } from "../inventory/in-use-read.ts";
import { type InUse, NOTHING_IN_USE } from "../retention/in-use.ts";

/**
 * Reads sources of images in use once, for all decisions of a run. What could not be read is known as such,
 * and never as nothing in use. `remark`: hears what was taken for something that it need not be.
 */
export async function inUseOf(
  sources: readonly string[],
  settings: InUseSettings,
  remark: (line: string) => void = () => undefined,
): Promise<InUse> {
  if (sources.length === 0) return NOTHING_IN_USE;
  const readings = await readInUse(sources, settings);
  for (const { source, ...reading } of readings.values()) {
    if ("remarks" in reading) for (const line of reading.remarks) remark(`${source}: ${line}`);
  }
  return {
    failure(asked) {
      for (const source of asked) {
        const reading = readings.get(source);
        if (!reading) return `${source} was not read`;
        if ("failure" in reading) return reading.failure;
      }
      return null;
    },
    named(asked, repository) {
      const all = asked.flatMap((source) => {
        const reading = readings.get(source);
        return reading && "images" in reading ? reading.images.digestsOf(repository) : [];
      });
      return [...new Set(all)];
    },
    find(asked, repository, tag, digest) {
      for (const source of asked) {
        const reading = readings.get(source);
        if (!reading || "failure" in reading) continue;
        const { images } = reading;
        const found = (tag && images.tag(repository, tag)) ?? images.digest(repository, digest);
        if (found !== null) return found;
      }
      return null;
    },
  };
}
