import { clientPath } from "../../support/peers.ts";

/** One system call: at which lines of the trace it began and ended. */
export interface SystemCall {
  readonly thread: string;
  readonly name: string;
  /** As strace writes it, with paths behind descriptors. */
  readonly text: string;
  readonly began: number;
  readonly ended: number;
  readonly failed: boolean;
}

/** A call of one thread that another's interrupts is written in two parts. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, SystemCall>();
  for (const [at, line] of text.split("\n").entries()) {
    const { thread = "", rest = "" } = /^(?<thread>\d+) +(?<rest>.*)$/.exec(line)?.groups ?? {};
    const failed = /= -1 E/.test(rest);
    const begun = open.get(thread);
    if (/^<\.\.\. \w+ resumed>/.test(rest) && begun) {
      calls.push({ ...begun, ended: at, failed });
      open.delete(thread);
    }
    const name = /^(?<name>\w+)\(/.exec(rest)?.groups?.["name"];
    if (name === undefined) continue;
    const call = { thread, name, text: rest, began: at, ended: at, failed };
    if (rest.endsWith("<unfinished ...>")) open.set(thread, call);
    else calls.push(call);
  }
  return calls.toSorted((a, b) => a.began - b.began);
}

export interface Tracing {
  /** Lets the process go on alone, and returns what it did meanwhile. */
  detach(): Promise<SystemCall[]>;
}

/** Looks at the calls of a process that runs, from now on; further arguments may make some of them fail. */
export async function attach(
  pid: number,
  output: string,
  calls: string,
  more: readonly string[] = [],
): Promise<Tracing> {
  const options = ["-f", "-y", "-s", "40", "-o", output, "-e", `trace=${calls}`, ...more];
  const strace = Bun.spawn([clientPath("strace"), ...options, "-p", String(pid)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  // It says so when it has every thread.
  const reader = strace.stderr.getReader();
  let said = "";
  while (!said.includes("attached")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`strace: ${said}`);
    said += new TextDecoder().decode(value);
  }
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    async detach() {
      strace.kill("SIGINT");
      await Promise.all([strace.exited, drained]);
      return parseTrace(await Bun.file(output).text());
    },
  };
}
