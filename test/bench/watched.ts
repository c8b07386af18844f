/** What it costs to be watched: access log and metrics, which are asked once a second, against neither. */
import { join } from "node:path";
import type { ServerGroup, Row } from "./row.ts";
import { type Program, withSettings } from "./servers.ts";

const unwatched: Program = {
  name: "unwatched",
  async command(_folder, data, port) {
    const words = [process.execPath, join(import.meta.dir, "unwatched.ts"), data, String(port)];
    return { words, env: process.env };
  },
};

/** The rows of a group, each as often as before, on a server that is watched and on one that is not. */
export function watched(group: ServerGroup): ServerGroup {
  return {
    space: group.space,
    programs: (ours) => ({
      ours: withSettings(ours, () => ({ log: { access: "combined" } })),
      theirs: unwatched,
    }),
    rows: group.rows.map((row) => ({
      ...row,
      name: `watched-${row.name}`,
      title: `${row.title}, with access log and metrics (against ours without)`,
      target: { atLeast: 0.95 },
      measure: async (run) => await whileAsked(run.server.url, () => row.measure(run)),
    })),
  };
}

async function whileAsked(url: string, measure: () => ReturnType<Row["measure"]>): Promise<number> {
  const timer = setInterval(() => {
    // The one that is not watched has the page, too, with nothing on it: to ask costs both the same.
    void fetch(`${url}/metrics`).then((answer) => answer.text());
  }, 1000);
  try {
    return await measure();
  } finally {
    clearInterval(timer);
  }
}
