import { expect } from "bun:test";
import { gcCommand } from "../../../src/cli/gc.ts";
import { type Ran, runCommand } from "../../support/command.ts";

/** `wharf gc DIR` as a user runs it; what went wrong is in the message when it did not end well. */
export async function gcFolder(data: string, ...flags: string[]): Promise<Ran> {
  const ran = await runCommand(gcCommand, [data, "--yes", ...flags]);
  expect({ exit: ran.exit, said: ran.exit === 0 ? "" : ran.err.join("\n") }).toEqual({
    exit: 0,
    said: "",
  });
  return ran;
}
