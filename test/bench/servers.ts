/**
 * The two registries that are compared. Both listen on a free port of 127.0.0.1, keep their data in a
 * fresh folder, sync what they acknowledge as they do by default, and log errors only, to a file.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Options, startProcess, stopProcess } from "./processes.ts";

export interface Program {
  readonly name: string;
  /** The command must become the server itself: its pid is what is measured and stopped. */
  command(
    folder: string,
    data: string,
    port: number,
  ): Promise<{ words: string[]; env: Options["env"] }>;
}

export interface Server {
  readonly url: string;
  readonly pid: number;
  /** `performance.now()` just before the process was started. */
  readonly spawnedAt: number;
  /** Seconds from there to the first 200 on /v2/. */
  readonly readySeconds: number;
  /** The most memory that was ever resident, in MB. */
  peakMemory(): Promise<number>;
  /** What a failed measurement should say about the server: that it died, and the end of its log. */
  describe(): Promise<string>;
  stop(): Promise<void>;
}

const startSeconds = 120;
const stopSeconds = 60;

/** Wharfinger; the words PORT and DIR in the command are replaced. It runs in an empty folder: no file there configures it. */
export function wharf(template: string | undefined): Program {
  const main = join(import.meta.dir, "../../src/main.ts");
  const own = [process.execPath, main, "serve", "--listen", "127.0.0.1:PORT", "--data", "DIR"];
  const words = template?.split(/\s+/).filter(Boolean) ?? own;
  return {
    name: "wharf",
    async command(_folder, data, port) {
      return {
        words: words.map((word) =>
          word.replace(/\bPORT\b/g, String(port)).replace(/\bDIR\b/g, data),
        ),
        env: { ...process.env, WHARF_LOG_LEVEL: "warn" },
      };
    },
  };
}

/** The same program with a wharf.yaml of these settings, which is the last word of its command. */
export function withSettings(program: Program, settings: () => object | Promise<object>): Program {
  return {
    name: `${program.name}+`,
    async command(folder, data, port) {
      const { words, env } = await program.command(folder, data, port);
      const file = join(folder, "wharf.yaml");
      await writeFile(file, JSON.stringify(await settings()));
      return { words: [...words, file], env };
    },
  };
}

/** Debian's docker-registry with the configuration most people run it with. */
export function dockerRegistry(): Program {
  return {
    name: "registry",
    async command(folder, data, port) {
      const file = join(folder, "config.yml");
      await writeFile(
        file,
        `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  cache: { blobdescriptor: inmemory }
  filesystem: { rootdirectory: ${JSON.stringify(data)} }
  delete: { enabled: true }
http: { addr: "127.0.0.1:${port}" }
`,
      );
      const env = Object.entries(process.env).filter(([key]) => !key.startsWith("REGISTRY_"));
      return { words: ["docker-registry", "serve", file], env: Object.fromEntries(env) };
    },
  };
}

/** Starts a server on `folder/data` and waits for its first answer. */
export async function startServer(program: Program, folder: string): Promise<Server> {
  const data = join(folder, "data");
  const log = join(folder, "server.log");
  await mkdir(data, { recursive: true });
  const port = await freePort();
  const { words, env } = await program.command(folder, data, port);
  const url = `http://127.0.0.1:${port}`;
  const spawnedAt = performance.now();
  const child = startProcess(words, log, { cwd: folder, env: env ?? {} });

  const describe = async (): Promise<string> => {
    const lines = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-10);
    const tail = lines.map((line) => line.slice(0, 300)).join("\n");
    const ended = child.signalCode ?? child.exitCode;
    const state = ended === null ? "is running" : `ended (${ended})`;
    return `${program.name} ${state}; its log ends with:\n${tail || "(nothing)"}`;
  };
  const readySeconds = await firstAnswer();

  async function firstAnswer(): Promise<number> {
    while (performance.now() - spawnedAt < startSeconds * 1000 && child.exitCode === null) {
      const answer = await fetch(`${url}/v2/`, { signal: AbortSignal.timeout(5000) }).catch(
        () => undefined,
      );
      const elapsed = (performance.now() - spawnedAt) / 1000;
      await answer?.arrayBuffer().catch(() => undefined);
      // One that asks for a password has answered, too.
      if (answer?.ok || answer?.status === 401) return elapsed;
      await Bun.sleep(5);
    }
    const reason = await describe();
    await stopProcess(child, stopSeconds);
    throw new Error(`No answer on /v2/. ${reason}`);
  }

  return {
    url,
    pid: child.pid,
    spawnedAt,
    readySeconds,
    describe,
    async peakMemory() {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
      if (kilobytes === undefined)
        throw new Error("The kernel does not tell the peak memory (VmHWM).");
      return (Number(kilobytes) * 1024) / 1e6;
    },
    async stop() {
      if (!(await stopProcess(child, stopSeconds)))
        throw new Error(`${program.name} did not stop within ${stopSeconds} s of SIGTERM`);
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string")
    throw new Error("No free port on 127.0.0.1.");
  return address.port;
}
