import { statfs } from "node:fs/promises";
import type { Config } from "../../config/schema.ts";
import { TrashKeeper } from "../../gc/trash/keeper.ts";
import type { Log } from "../../observe/log.ts";
import type { OpenRegistry } from "../../registry/open.ts";
import { humanSize } from "../units.ts";

/** Frees what has been in the trash for long enough, by the settings that are in force. */
export function startTrashKeeper(
  { registry, collecting }: OpenRegistry,
  config: () => Config,
  log: Log,
): TrashKeeper {
  const { metadata: rows, storage, now } = registry;
  const { data } = config();
  const keeper = new TrashKeeper({
    trash: { rows, storage },
    policy() {
      const { trash, gc, readOnly } = config();
      // Read-only is for moments in which nothing may change, such as a copy of the folder.
      return readOnly || collecting.writesStopped() !== null ? null : { ...trash, pace: gc.pace };
    },
    free: async () => await freeShare(data),
    now,
    freed({ entries, bytes }, early) {
      const facts = { entries, bytes };
      if (early) {
        log.warn(
          facts,
          `the disk is nearly full: ${humanSize(bytes)} of the trash were freed before their time`,
        );
      } else log.info(facts, "what was old in the trash was freed");
    },
    failed: (error) => log.warn({ err: error }, "the trash could not be tidied; trying again"),
  });
  keeper.start();
  return keeper;
}

/** In percent, of what this process may use. */
async function freeShare(folder: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(folder);
  const usable = blocks - bfree + bavail;
  return usable === 0 ? 100 : (bavail / usable) * 100;
}
