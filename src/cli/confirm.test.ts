import { expect, test } from "bun:test";
import { runCommand } from "../../test/support/command.ts";
import { confirm, withConfirmOptions } from "./confirm.ts";
import { subcommand } from "./subcommand.ts";
import type { Terminal } from "./terminal.ts";

function command(terminal: Terminal) {
  const made = subcommand("change", terminal);
  return withConfirmOptions(made, "only show").action(async (flags: object) => {
    await confirm("Change it?", "nothing was changed", flags, terminal, () => undefined);
    terminal.print("changed");
  });
}

for (const flag of ["-y", "--yes", "-f", "--force", "--apply"]) {
  test(`${flag} is a yes before anybody is asked`, async () => {
    expect(await runCommand(command, [flag])).toMatchObject({ exit: 0, out: ["changed"] });
  });
}

test("without a terminal and without a yes nothing is done, and it says so", async () => {
  const { exit, out, err } = await runCommand(command, []);

  expect(exit).toBe(2);
  expect(out).toEqual([]);
  expect(err.join("\n")).toContain("nothing was changed; there is no terminal to ask, add --yes");
});
