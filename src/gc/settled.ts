import type { MetadataReads } from "../metadata/metadata.ts";

const PAUSE_MS = 50;
/** A disk that does not take the tree's links will not do so while we wait. */
const PATIENCE_MS = 30_000;

/** Resolves when the tree has followed what is in the journal now, or does not get on. */
export async function settled(metadata: Pick<MetadataReads, "readJournal">): Promise<void> {
  const waiting = await metadata.readJournal(Number.MAX_SAFE_INTEGER);
  const last = waiting.at(-1)?.id;
  if (last === undefined) return;
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const [first] = await metadata.readJournal(1);
    if (!first || first.id > last) return;
    await Bun.sleep(PAUSE_MS);
  }
}
