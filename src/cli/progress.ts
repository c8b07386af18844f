import type { Terminal } from "./terminal.ts";

/** Says on stderr how far something is: every two seconds on a terminal, once a minute elsewhere. */
export function progressOn(terminal: Terminal, quiet: boolean): (what: string) => void {
  const every = terminal.stderrIsTerminal ? 2000 : 60_000;
  let said = performance.now();
  return (what) => {
    if (quiet || performance.now() - said < every) return;
    said = performance.now();
    terminal.note(what);
  };
}
