import { startServer } from "../../src/http/server.ts";
import { createLog } from "../../src/observe/log.ts";
import { type OpenEvents, openRegistry } from "../../src/registry/open.ts";
import type { Rules } from "../../src/registry/registry.ts";
import { temporaryFolder } from "./folder.ts";
import { plainServer } from "./plain-server.ts";

/** Our registry in this process, on a free port and a folder of its own. Leaving the scope removes both. */
export interface LocalRegistry extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly host: string;
}

/** `place`: a data folder that is there already, and stays; `events` hears what opening it says. */
export async function localRegistry(
  rules: Partial<Rules> = {},
  place: { readonly data?: string; readonly events?: Partial<OpenEvents> } = {},
): Promise<LocalRegistry> {
  const folder = await temporaryFolder();
  const silent = { reading() {}, read() {}, info() {}, warn() {}, ...place.events };
  const usual = { delete: true, sparse: false, maxManifestSize: 8 * 1024 * 1024 };
  const open = await openRegistry(place.data ?? folder.at("data"), { ...usual, ...rules }, silent);
  const log = createLog({ level: "silent", format: "json" }, false);
  const server = startServer(open.registry, plainServer(), log);
  const host = `127.0.0.1:${server.port}`;
  return {
    url: `http://${host}`,
    host,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await open.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
