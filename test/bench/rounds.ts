/** Runs a group of rows on both servers in turns. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clients } from "./load.ts";
import { freeBytes } from "./machine.ts";
import { run } from "./processes.ts";
import type { Measured } from "./report.ts";
import type { Group } from "./row.ts";
import { type Program, type Server, startServer } from "./servers.ts";

export interface Contest {
  readonly root: string;
  readonly rounds: number;
  readonly clients: Clients;
  readonly ours: Program;
  readonly theirs: Program;
}

export async function runGroup(group: Group, contest: Contest): Promise<Measured[]> {
  const rounds = Math.min(contest.rounds, group.rounds ?? contest.rounds);
  const programs = group.programs?.(contest.ours) ?? contest;
  const measured = group.rows.map((row): Measured => ({ row, ours: [], theirs: [], failures: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const side of ["ours", "theirs"] as const) {
      const folder = join(contest.root, `${group.rows[0]?.name}-${round}-${programs[side].name}`);
      const { figures, failure } = await oneRound(group, contest, programs[side], folder);
      measured.forEach((entry, i) => entry[side].push(figures[i]));
      if (failure === undefined) continue;
      console.error(failure);
      measured[Math.min(figures.length, measured.length - 1)]?.failures.push(failure);
    }
  }
  return measured;
}

/** The figures of one server on fresh folders, as far as it came. */
async function oneRound(
  group: Group,
  { clients, root }: Contest,
  program: Program,
  folder: string,
): Promise<{ figures: number[]; failure?: string }> {
  const figures: number[] = [];
  let server: Server | undefined;
  try {
    if ((await freeBytes(root)) < group.space)
      throw new Error(
        `This takes ${group.space / 2 ** 30} GiB of free space in ${root}; choose another place with --dir.`,
      );
    await mkdir(folder, { recursive: true });
    await group.prepare?.(join(folder, "data"), root);
    await settle();
    server = await startServer(program, folder);
    for (const row of group.rows) {
      const figure = await row.measure({
        clients,
        server,
        async restart() {
          await server?.stop();
          server = await startServer(program, folder);
          return server;
        },
      });
      figures.push(figure);
      console.error(`${row.name}  ${program.name}  ${figure.toPrecision(3)} ${row.unit}`);
      await settle();
    }
    await server.stop();
    return { figures };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const state = await server?.describe().catch(() => undefined);
    await server?.stop().catch(() => undefined);
    const row = group.rows[figures.length]?.name ?? "stop";
    return {
      figures,
      failure: [`${row}, ${program.name}: ${reason}`, state].filter(Boolean).join("\n"),
    };
  }
}

/** Writes out what is still in memory: no measurement pays for the one before it. */
async function settle(): Promise<void> {
  await run(["sync"], 300);
}
