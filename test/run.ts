import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareClients } from "./clients.ts";

/**
 * `npm test`: runs every test below src/ and test/, and ends with `N passed, N failed, N skipped`.
 *
 * Arguments go to the runner: `npm test -- src/oci`, `npm test -- -t "a tag moves"`.
 *
 * The counts are those of the runner's own report. It leaves out what never ran: a file that does
 * not load, a crash, a `process.exit(0)` inside a test. So a bad end, and a report that is absent or
 * empty, always count as a failure.
 */

const root = join(import.meta.dir, "..");
/** An end-to-end test starts servers and clients; one that takes longer than this hangs. */
const timeout = 60_000;

const clients = await prepareClients();
const { exitCode, report } = await runSuite(process.argv.slice(2));
const { tests, failures, skipped } = counts(report);
const failed = Math.max(failures, exitCode !== 0 || tests === 0 ? 1 : 0);

for (const { peer, reason } of clients.missing) {
  console.log(`skipped what needs ${peer}: ${reason}`);
}
console.log(`${tests - failures - skipped} passed, ${failed} failed, ${skipped} skipped`);
process.exit(exitCode === 0 && failed > 0 ? 1 : exitCode);

async function runSuite(args: readonly string[]): Promise<{ exitCode: number; report: string }> {
  const folder = await mkdtemp(join(tmpdir(), "wharfinger-test-"));
  try {
    const file = join(folder, "junit.xml");
    const reporter = ["--reporter=junit", `--reporter-outfile=${file}`];
    const suite = Bun.spawn(
      [process.execPath, "test", "--no-env-file", `--timeout=${timeout}`, ...reporter, ...args],
      { cwd: root, stdio: ["inherit", "inherit", "inherit"] },
    );
    // Stopped from outside, the runner ends first, and then the folder goes and the counts are said.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => suite.kill(signal));
    }
    const code = await suite.exited;
    const xml = Bun.file(file);
    return { exitCode: code, report: (await xml.exists()) ? await xml.text() : "" };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The totals stand in the attributes of the report's root element. A todo counts as skipped. */
function counts(xml: string): { tests: number; failures: number; skipped: number } {
  const totals = /<testsuites\b[^>]*>/.exec(xml)?.[0] ?? "";
  const total = (name: string): number =>
    Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals)?.[1] ?? 0);
  return { tests: total("tests"), failures: total("failures"), skipped: total("skipped") };
}
