/** Runs a group of rows on both sides in turns. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clients } from "./load.ts";
import { freeBytes } from "./machine.ts";
import { run } from "./processes.ts";
import type { Measured } from "./report.ts";
import type { Group, Line, ServerGroup, Side } from "./row.ts";
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
  const measured = group.rows.map((row): Measured => ({ row, ours: [], theirs: [], failures: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const side of ["ours", "theirs"] as const) {
      const stage = stageOf(group, contest, side);
      if (stage === undefined) continue;
      const folder = join(contest.root, `${group.rows[0]?.name}-${round}-${side}-${stage.name}`);
      const { figures, failure } = await oneRound(group, contest, side, stage, folder);
      measured.forEach((entry, i) => entry[side].push(figures[i]));
      if (failure === undefined) continue;
      console.error(failure);
      measured[Math.min(figures.length, measured.length - 1)]?.failures.push(failure);
    }
  }
  return measured;
}

/** What the rows of a round work on. */
interface Stage {
  /** Of the program. */
  readonly name: string;
  open(folder: string): Promise<void>;
  /** Each row, in their order. */
  readonly rows: readonly (Line & { measure(folder: string): Promise<number> })[];
  describe(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Nothing, where a side has no part in it. */
function stageOf(group: Group, contest: Contest, side: Side): Stage | undefined {
  const { clients } = contest;
  if (!("tools" in group))
    return serverStage(group, (group.programs?.(contest.ours) ?? contest)[side], clients, side);
  const tool = group.tools[side];
  if (tool === undefined) return undefined;
  return {
    name: tool.name,
    rows: group.rows.map((row) => ({
      ...row,
      measure: (folder) => row.measure({ clients, tool, data: dataIn(folder) }),
    })),
    open: async () => {},
    describe: async () => undefined,
    close: async () => {},
  };
}

function serverStage(group: ServerGroup, program: Program, clients: Clients, side: Side): Stage {
  let server: Server | undefined;
  return {
    name: program.name,
    rows: group.rows.map((row) => ({
      ...row,
      async measure(folder) {
        if (server === undefined) throw new Error("There is no server.");
        return row.measure({
          clients,
          server,
          side,
          async restart() {
            await server?.stop();
            server = await startServer(program, folder);
            return server;
          },
        });
      },
    })),
    async open(folder) {
      server = await startServer(program, folder);
    },
    describe: async () => server?.describe(),
    close: async () => server?.stop(),
  };
}

/** The figures of one side on fresh folders, as far as it came. */
async function oneRound(
  group: Group,
  { root }: Contest,
  side: Side,
  stage: Stage,
  folder: string,
): Promise<{ figures: number[]; failure?: string }> {
  const figures: number[] = [];
  try {
    if ((await freeBytes(root)) < group.space)
      throw new Error(
        `This takes ${group.space / 2 ** 30} GiB of free space in ${root}; choose another place with --dir.`,
      );
    await mkdir(folder, { recursive: true });
    await group.prepare?.(dataIn(folder), root, side);
    await settle();
    await stage.open(folder);
    for (const row of stage.rows) {
      const figure = await row.measure(folder);
      figures.push(figure);
      console.error(`${row.name}  ${stage.name}  ${figure.toPrecision(3)} ${row.unit}`);
      await settle();
    }
    await stage.close();
    return { figures };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const state = await stage.describe().catch(() => undefined);
    await stage.close().catch(() => undefined);
    const row = group.rows[figures.length]?.name ?? "stop";
    return {
      figures,
      failure: [`${row}, ${stage.name}: ${reason}`, state].filter(Boolean).join("\n"),
    };
  }
}

function dataIn(folder: string): string {
  return join(folder, "data");
}

/** Writes out what is still in memory: no measurement pays for the one before it. */
async function settle(): Promise<void> {
  await run(["sync"], 300);
}
