import { Exit } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** A wish that a command should end, heard between its steps. */
export interface StopWish {
  readonly asked: AbortSignal;
  /** Ends the command that has stopped for it. */
  end(): never;
}

/** As a shell has it for a command that a signal has ended. */
const CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** From now on SIGINT and SIGTERM end a run where it is safe, and not in the middle of a step. */
export function stopOn(terminal: Pick<Terminal, "note" | "onStop">): StopWish {
  const controller = new AbortController();
  let code = 130;
  terminal.onStop((signal) => {
    if (controller.signal.aborted) return;
    code = CODES[signal] ?? code;
    terminal.note(`${signal}: stopping where it is safe`);
    controller.abort();
  });
  return {
    asked: controller.signal,
    end() {
      terminal.note("stopped before its end; what it has done is whole, and another run goes on");
      throw new Exit(code);
    },
  };
}
