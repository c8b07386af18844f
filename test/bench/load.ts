/**
 * The clients: our own load generator for everything that moves bytes, and wrk for requests so small
 * that a generator which spends more on each than wrk would measure itself.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { manifestType } from "./answers.ts";
import type { Finished } from "./commands.ts";
import { run } from "./processes.ts";
import type { Server } from "./servers.ts";

export interface LoadResult {
  /** Operations a second. */
  readonly rate: number;
  readonly seconds: number;
  /** How long the slowest of a hundred operations took, in ms. */
  readonly p99: number;
  /** CPU seconds, user and system, that the server spent meanwhile. */
  readonly cpu: number;
}

/** Flags of the load generator; see load/main.go. */
export type LoadFlags = Readonly<
  Partial<
    Record<
      "c" | "n" | "seconds" | "images" | "size" | "seed" | "repos" | "tags" | "slow" | "rate",
      number
    >
  > & { repo?: string; path?: string }
>;

export interface Clients {
  load(
    server: Server,
    operation: "push" | "pull" | "verify" | "seed" | "get",
    flags: LoadFlags,
  ): Promise<LoadResult>;
  /** Runs a command to its end; any exit code but 0 is an error. What it prints goes to a file, and is read from there. */
  command(words: readonly string[], output: string): Promise<Finished>;
  /** Answers a second to GET requests for one path, over this many connections; all must be 2xx. */
  requests(
    server: Server,
    path: string,
    connections: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<number>;
}

const operationSeconds = 900;
const wrkSeconds = 5;

/** Builds the load generator; nothing binary is kept in the repository. */
export async function makeClients(folder: string): Promise<Clients> {
  for (const [tool, remedy] of [
    ["go", "apt-get install golang-go"],
    ["wrk", "apt-get install wrk"],
    ["docker-registry", "apt-get install docker-registry"],
  ] as const) {
    if (Bun.which(tool) === null) throw new Error(`The benchmark needs ${tool}: ${remedy}`);
  }
  await mkdir(folder, { recursive: true });
  const binary = join(folder, "load");
  await run(["go", "build", "-o", binary, "."], 300, {
    cwd: join(import.meta.dir, "load"),
    env: { ...process.env, GOTOOLCHAIN: "local", GOFLAGS: "-buildvcs=false" },
  });

  return {
    async load(server, operation, flags) {
      const words = Object.entries(flags).flatMap(([name, value]) => [`-${name}`, String(value)]);
      const command = [binary, operation, "-url", server.url, "-pid", String(server.pid), ...words];
      const result: unknown = JSON.parse(await run(command, operationSeconds));
      return {
        rate: field(result, "rate"),
        seconds: field(result, "seconds"),
        p99: field(result, "p99ms"),
        cpu: field(result, "cpu"),
      };
    },
    async command(words, output) {
      const line = await run([binary, "run", "-out", output, ...words], operationSeconds);
      const result: unknown = JSON.parse(line);
      return {
        seconds: field(result, "seconds"),
        peakMemory: field(result, "peakMB"),
        output: await readFile(output, "utf8"),
      };
    },
    async requests(server, path, connections, headers = {}) {
      const options = ["-t1", `-c${connections}`, `-d${wrkSeconds}s`, "--timeout", "30s"];
      const all = Object.entries({ accept: manifestType, ...headers });
      const lines = all.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
      const output = await run(["wrk", ...options, ...lines, server.url + path], 120);
      const rate = /^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1];
      if (rate === undefined || /Non-2xx|Socket errors/.test(output))
        throw new Error(`wrk on ${path}:\n${output}`);
      return Number(rate);
    },
  };
}

function field(result: unknown, name: string): number {
  const value: unknown =
    typeof result === "object" && result !== null ? Reflect.get(result, name) : undefined;
  if (typeof value !== "number") throw new Error(`The load generator did not report "${name}".`);
  return value;
}
