import { spawn } from "node:child_process";
import { printable } from "../client/http/printable.ts";

export interface OutputLimits {
  readonly milliseconds: number;
  readonly bytes: number;
}

/**
 * What a program writes to its standard output. It gets no input, and is ended with all that it has started when
 * it takes longer or writes more than it may.
 *
 * Throws an error that says in a few words what went wrong: a list that is cut off is no list. What the program
 * wrote to its standard error ends the message, shortened.
 */
export async function outputOf(
  command: readonly [string, ...string[]],
  environment: Readonly<Record<string, string | undefined>>,
  limits: OutputLimits,
): Promise<string> {
  const [program, ...rest] = command;
  // A group of its own: a shell that is killed leaves its children running, and the pipe open.
  const child = spawn(program, rest, {
    env: { ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let complaint = "";
  let ended: string | null = null;
  const end = (why: string): void => {
    if (ended !== null) return;
    ended = why;
    if (child.pid !== undefined) killGroup(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(
    () => end(`took longer than ${limits.milliseconds / 1000} s`),
    limits.milliseconds,
  );
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > limits.bytes) end(`wrote more than ${limits.bytes} bytes`);
    else chunks.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    if (complaint.length < MOST_COMPLAINT) complaint += chunk.toString();
  });
  try {
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (...how) => resolve(how));
    });
    if (ended !== null) throw new Error(ended);
    if (code !== 0) throw new Error(`ended with ${signal ?? `code ${code}`}${tail(complaint)}`);
  } finally {
    clearTimeout(timer);
  }
  return decode(Buffer.concat(chunks));
}

const MOST_COMPLAINT = 4096;

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // It has ended by itself meanwhile.
  }
}

function tail(complaint: string): string {
  const text = complaint.replace(/\s+/g, " ").trim();
  return text === "" ? "" : `: ${printable(text, 300)}`;
}

/** Throws for what is no UTF-8: half of a name would be another name. */
export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("it is not UTF-8");
  }
}
