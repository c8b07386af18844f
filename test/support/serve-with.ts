import { writeFile } from "node:fs/promises";
import type { Folder } from "./folder.ts";
import { eventually } from "./eventually.ts";
import { type Server, startWharf } from "./server.ts";

/** A server with a configuration that can be changed while it runs. */
export interface ConfiguredServer extends Server {
  /** Writes another configuration, and returns when it is in force. */
  configure(config: object): Promise<void>;
}

/** Starts `wharf serve` on `data` in a folder, with a configuration. */
export async function serveWith(folder: Folder, config: object): Promise<ConfiguredServer> {
  const file = folder.at("wharf.yaml");
  await writeFile(file, JSON.stringify(config));
  const server = await startWharf({ data: folder.at("data"), args: [file] });
  let reloads = 0;
  return Object.assign(server, {
    async configure(next: object) {
      await writeFile(file, JSON.stringify(next));
      process.kill(server.pid, "SIGHUP");
      reloads++;
      const said = (): number => server.logs().split("the configuration was read again").length - 1;
      await eventually(
        async () => said(),
        (count) => count >= reloads,
        30_000,
      );
    },
  });
}
