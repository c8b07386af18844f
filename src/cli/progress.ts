import type { Terminal } from "./terminal.ts";

/** Milliseconds between two lines: somebody looks on, or a log grows. */
const LOOKED_AT = 2000;
const LOGGED = 60_000;

/** Says on stderr how far something is, now and then; `line` is made only when it is said. */
export function progressOn(terminal: Terminal, quiet: boolean): (line: () => string) => void {
  const every = terminal.stderrIsTerminal ? LOOKED_AT : LOGGED;
  let said = performance.now();
  return (line) => {
    if (quiet || performance.now() - said < every) return;
    said = performance.now();
    terminal.note(line());
  };
}
