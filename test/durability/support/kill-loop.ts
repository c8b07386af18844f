import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Server, startWharf } from "../../support/server.ts";
import { KillClient } from "./kill-clients.ts";
import { Random } from "../../support/random.ts";

export interface KillReport {
  kills: number;
  /** Starts that were killed before they served. */
  strangled: number;
  /** Requests that were answered before a kill. */
  answered: number;
  /** Requests that a kill left without an answer. */
  unanswered: number;
  readonly problems: string[];
}

const CLIENTS = 6;
/** Of the repositories of earlier lives, so many are looked at again after each start. */
const LOOK_BACK = 3;

/**
 * Again and again: clients push, tag, move tags and delete; the server is killed at a random moment; it
 * starts again, and must show all that was acknowledged, and nothing by half. In the end the tree alone
 * must show the same.
 */
export async function killLoop(
  data: string,
  kills: number,
  random: Random,
  progress: (report: KillReport) => void = () => {},
): Promise<KillReport> {
  const report: KillReport = { kills: 0, strangled: 0, answered: 0, unanswered: 0, problems: [] };
  const past: KillClient[] = [];
  let server = await startWharf({ data });
  try {
    while (report.kills < kills && report.problems.length === 0) {
      const life = Array.from(
        { length: CLIENTS },
        (_, at) => new KillClient(`life${report.kills}/c${at}`, new Random(random.below(2 ** 31))),
      );
      const { url } = server;
      const running = Promise.all(life.map((client) => client.run(url)));
      // A client that fails must fail the loop, and not wait for the kill.
      await Promise.race([running, Bun.sleep(random.between(5, 500))]);
      await server.stop("SIGKILL");
      await running;
      report.kills++;
      report.answered += life.reduce((sum, { answered }) => sum + answered, 0);
      report.unanswered += life.filter(({ unknown }) => unknown !== null).length;

      if (random.below(5) === 0) {
        await strangle(data, random.between(5, 400));
        report.strangled++;
      }
      server = await startWharf({ data });
      const back = Array.from({ length: past.length > 0 ? LOOK_BACK : 0 }, () => random.pick(past));
      report.problems.push(...(await audit([...life, ...new Set(back)], server)));
      past.push(...life);
      progress(report);
    }
    await server.stop();
    // What is left is the tree: a registry that finds nothing else reads it.
    await rm(join(data, "wharfinger"), { recursive: true });
    server = await startWharf({ data });
    const inTree = await audit(past, server);
    report.problems.push(...inTree.map((problem) => `from the tree alone: ${problem}`));
  } finally {
    await server.stop();
  }
  return report;
}

async function audit(clients: readonly KillClient[], { url }: Server): Promise<string[]> {
  const found: string[] = [];
  for (const client of clients) found.push(...(await client.audit(url)));
  return found;
}

/** Kills a start on its way. */
async function strangle(data: string, after: number): Promise<void> {
  const main = join(import.meta.dir, "..", "..", "..", "src", "main.ts");
  const child = Bun.spawn(
    [process.execPath, main, "serve", "--listen", "127.0.0.1:0", "--data", data],
    { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
  );
  await Bun.sleep(after);
  child.kill("SIGKILL");
  await child.exited;
}
