import { statfs } from "node:fs/promises";
import type { RunningServer } from "../../http/server.ts";
import type { Health } from "../../observe/health.ts";
import type { LineWriter } from "../../observe/line-writer.ts";
import type { Disk, Sources } from "../../observe/sources.ts";
import type { Figures } from "../../registry/open.ts";

/** Where the metrics find what they do not count themselves. */
export function sourcesOf(
  data: string,
  figures: Figures,
  server: RunningServer,
  health: Health,
  accessLog: LineWriter,
): Sources {
  return {
    requestsInFlight: () => server.pending,
    uploads: () => figures.uploads(),
    cache: () => figures.cache,
    journal: async () => await figures.journal(),
    disk: async () => await disk(data),
    accessLogDropped: () => accessLog.dropped,
    async checks() {
      const { findings } = await health.ready();
      return findings.map(({ check, reason }) => ({ check, ok: reason === null }));
    },
  };
}

async function disk(folder: string): Promise<Disk> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(folder);
  return {
    free: bavail * bsize,
    total: blocks * bsize,
    // Some file systems make as many as are needed, and say that there are none.
    freeFiles: files === 0 ? null : ffree,
  };
}
