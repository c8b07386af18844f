import { readdir, readFile, readlink } from "node:fs/promises";
import { eventually } from "./eventually.ts";

/** What /proc knows about another process; there is no such thing outside Linux. */
export const onLinux = process.platform === "linux";

/** The most memory a process has had at once, in MB. */
export async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error("no VmHWM in /proc");
  return Number(kilobytes) / 1000;
}

/** What a process has open, by target: files by their path, sockets as `socket`. */
export async function openFiles(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => undefined)),
  );
  return targets
    .filter((target) => target !== undefined)
    .map((target) => target.replace(/^(socket|pipe):.*/, "$1"))
    .toSorted();
}

/** What is open now and was not before, once the server had time to close it. */
export async function newlyOpen(pid: number, before: readonly string[]): Promise<string[]> {
  const surplus = async (): Promise<string[]> => {
    const left = [...before];
    const added = (await openFiles(pid)).filter((target) => {
      const at = left.indexOf(target);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    // `fetch` keeps a few connections for its next requests; what is leaked comes in greater numbers.
    const files = added.filter((target) => target !== "socket");
    return added.length - files.length > 5 ? added : files;
  };
  return eventually(surplus, (targets) => targets.length === 0);
}

/** The memory that a process has now, in MB. */
export async function residentMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error("no VmRSS in /proc");
  return Number(kilobytes) / 1000;
}
