/** Where the figures come from: without the machine, a figure says little. */
import { open, rm, statfs } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { run } from "./processes.ts";

export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly kernel: string;
  readonly fileSystem: string;
  /** MB a second of one 512 MiB file, written and synced: no push can be faster. */
  readonly diskMBps: number;
  /** One small write and fsync, in ms: no acknowledged change can be faster. */
  readonly fsyncMs: number;
  readonly versions: Readonly<Record<string, string>>;
}

export async function describeMachine(folder: string): Promise<Machine> {
  const [first] = cpus();
  const disk = await probeDisk(join(folder, "disk-probe"));
  return {
    date: new Date().toISOString(),
    cpu: first?.model.trim() ?? "unknown CPU",
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
    fileSystem: (await run(["df", "--output=fstype", folder], 10)).trim().split("\n").at(-1) ?? "?",
    ...disk,
    versions: {
      wharf: await firstLine(["git", "-C", import.meta.dir, "describe", "--always", "--dirty"]),
      bun: Bun.version,
      "docker-registry":
        (await firstLine(["docker-registry", "--version"])).split(" ").at(-1) ?? "?",
      go: (await firstLine(["go", "env", "GOVERSION"])).replace("go", ""),
      wrk: await debianVersion("wrk"),
    },
  };
}

export function machineLines(machine: Machine): string[] {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const lines = [
    `${machine.date} · ${machine.cores} × ${machine.cpu} · ${machine.memoryGB} GB · Linux ${machine.kernel}`,
    `${machine.fileSystem}: ${machine.diskMBps.toFixed(0)} MB/s synced, ${machine.fsyncMs.toFixed(2)} ms an fsync`,
    versions.join(" · "),
  ];
  if (/tmpfs|overlay/.test(machine.fileSystem))
    lines.push(
      `On ${machine.fileSystem} an fsync may cost nothing: choose a real disk with --dir.`,
    );
  return lines;
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function probeDisk(path: string): Promise<{ diskMBps: number; fsyncMs: number }> {
  const [block, blocks, syncs] = [Buffer.alloc(2 ** 20, "wharf"), 512, 100];
  const file = await open(path, "w");
  try {
    const start = performance.now();
    for (let i = 0; i < blocks; i++) await file.write(block);
    await file.sync();
    const written = performance.now();
    for (let i = 0; i < syncs; i++) {
      await file.write("x", i);
      await file.sync();
    }
    const megabytes = (blocks * block.length) / 1e6;
    return {
      diskMBps: (megabytes * 1000) / (written - start),
      fsyncMs: (performance.now() - written) / syncs,
    };
  } finally {
    await file.close();
    await rm(path);
  }
}

async function firstLine(command: readonly string[]): Promise<string> {
  const output = await run(command, 10).catch(() => "?");
  return output.split("\n")[0]?.trim() ?? "?";
}

/** wrk prints its version with exit code 1. */
async function debianVersion(name: string): Promise<string> {
  return firstLine(["dpkg-query", "-W", "-f", "${Version}", name]);
}
