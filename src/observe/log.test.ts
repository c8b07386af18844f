import { expect, test } from "bun:test";
import { join } from "node:path";

/** What a process that logs so writes to stderr. */
async function lines(format: string): Promise<string[]> {
  const program = `import { createLog } from ${JSON.stringify(join(import.meta.dir, "log.ts"))};
    const log = createLog({ level: "info", format: ${JSON.stringify(format)} }, false);
    log.debug("unheard"); log.info("hello"); log.warn({ repository: "a", password: "p" }, "careful");`;
  const child = Bun.spawn([process.execPath, "-e", program], {
    stderr: "pipe",
    env: { TZ: "UTC" },
  });
  return (await child.stderr.text()).trimEnd().split("\n");
}

test("dated lines have the time, the level as Python names it, and the message", async () => {
  const [first, second, ...more] = await lines("dated");

  expect(first).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[INFO\] hello$/);
  expect(second).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[WARNING\] careful \{"repository":"a","password":"\[redacted\]"\}$/,
  );
  expect(more).toEqual([]);
});

test("lines are JSON where no terminal reads them", async () => {
  const all = (await lines("auto")).map((line) => JSON.parse(line) as object);

  expect(all).toMatchObject([
    { level: "info", msg: "hello" },
    { level: "warn", msg: "careful", repository: "a", password: "[redacted]" },
  ]);
});
