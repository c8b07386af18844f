/** What a command needs from the outside; `main.ts` gives it, tests give their own. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether a person can be asked: stdin and stderr are terminals. */
  readonly interactive: boolean;
  /** Whether stdout (tables) and stderr (logs) are terminals. */
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Writes a line to stdout: what was asked for, and nothing else. */
  print(line: string): void;
  /** Writes text to stdout as it is; resolves when the system has taken it. */
  output(text: string): Promise<void>;
  /** Writes a line to stderr: progress, plans, remarks. */
  note(line: string): void;
  /** Asks a question on stderr and returns the answer's line. */
  ask(question: string): Promise<string>;
  /** Asks on stderr, and shows nothing of what is typed. */
  askSecret(question: string): Promise<string>;
  /** All of stdin. */
  readInput(): Promise<Uint8Array<ArrayBuffer>>;
  /** From now on, calls back whenever the process is asked to stop, instead of ending it. */
  onStop(heard: (signal: string) => void): void;
  /** From now on, calls back whenever the process is asked to read its configuration again. */
  onReload(heard: () => void): void;
}

/** Whether lines on stderr may have colours. @see no-color.org */
export function hasColours({ stderrIsTerminal, environment }: Terminal): boolean {
  return stderrIsTerminal && !environment["NO_COLOR"];
}
