/**
 * The benchmark: Wharfinger and Debian's docker-registry 2.8.2 on the same machine, in turns.
 *
 *   npm run bench -- [row...] [--rounds N] [--json FILE] [--dir DIR] [--keep] [--ours "COMMAND"]
 *
 * Each server starts on fresh folders in each round, and the two alternate, so that whatever else the
 * machine does meets both. Nothing is deleted before the end: file systems create files slowly for a
 * while after many were removed. The exit code says whether everything could be measured, never
 * whether it was fast: figures are for people, tests must not depend on the machine.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeClients } from "./load.ts";
import { describeMachine, machineLines } from "./machine.ts";
import { stopEverything } from "./processes.ts";
import { document, judge, table } from "./report.ts";
import { upTo } from "./row.ts";
import { groups } from "./rows.ts";
import { runGroup } from "./rounds.ts";
import { dockerRegistry, wharf } from "./servers.ts";

const usage = `npm run bench -- [row...] [options]
  --rounds N       rounds of each row (default 3)
  --json FILE      write the figures of every round to FILE
  --dir DIR        where the data goes, on the disk to measure (default: the temporary folder)
  --keep           leave data and logs there
  --ours COMMAND   another server in place of this checkout's, with the words PORT and DIR replaced;
                   it runs in an empty folder: give full paths
rows: ${groups.flatMap(({ rows }) => rows.map(({ name }) => name)).join(" ")}`;

const { values, positionals } = readArguments();
const rounds = Number(values.rounds);
const root = await makeRoot(resolve(values.dir));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void stopEverything()
      .then(removeRoot)
      .finally(() => process.exit(130));
  });
}

try {
  const clients = await makeClients(join(root, "clients"));
  const machine = await describeMachine(root);
  console.log(machineLines(machine).join("\n"));
  const contest = { root, rounds, clients, ours: wharf(values.ours), theirs: dockerRegistry() };
  const verdicts = [];
  for (const group of groups.map((each) => upTo(each, isWanted))) {
    if (group.rows.length === 0) continue;
    const measured = await runGroup(group, contest);
    verdicts.push(...measured.filter(({ row }) => isWanted(row.name)).map(judge));
  }
  console.log(`\n${table(verdicts)}`);
  if (values.json !== undefined) await writeFile(values.json, document(machine, rounds, verdicts));
  process.exitCode = verdicts.some(({ met }) => met === undefined) ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stopEverything();
  await removeRoot();
}

function isWanted(name: string): boolean {
  return positionals.length === 0 || positionals.includes(name);
}

async function makeRoot(parent: string): Promise<string> {
  await mkdir(parent, { recursive: true });
  return mkdtemp(join(parent, "wharf-bench-"));
}

async function removeRoot(): Promise<void> {
  if (values.keep) console.error(`Data and logs are in ${root}`);
  else await rm(root, { recursive: true, force: true, maxRetries: 5 });
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: "string", default: "3" },
        json: { type: "string" },
        dir: { type: "string", default: tmpdir() },
        keep: { type: "boolean", default: false },
        ours: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (parsed.values.help) {
      console.log(usage);
      process.exit(0);
    }
    const known = groups.flatMap((group) => group.rows.map(({ name }) => name));
    const unknown = parsed.positionals.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`There is no row "${unknown}".`);
    if (!/^[1-9]\d?$/.test(parsed.values.rounds)) throw new Error("--rounds takes 1 to 99.");
    return parsed;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}
