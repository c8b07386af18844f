import { join } from "node:path";

/** `npm run check`: all that can be said without running the program. Every check runs, whatever the others say. */

const root = join(import.meta.dir, "..");
const tool = (name: string): string => join(root, "node_modules", ".bin", name);

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "types", command: [tool("tsc"), "--noEmit"] },
  { name: "lint", command: [tool("oxlint"), "--type-aware", "--deny-warnings"] },
  { name: "format (npm run format)", command: [tool("oxfmt"), "--check"] },
  { name: "imports", command: [process.execPath, "test", "./test/imports.test.ts"] },
];

const failed: string[] = [];
for (const { name, command } of checks) {
  console.log(`== ${name}`);
  const { exitCode } = Bun.spawnSync([...command], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (exitCode !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "All checks passed." : `Failed: ${failed.join(", ")}`);
process.exit(failed.length === 0 ? 0 : 1);
