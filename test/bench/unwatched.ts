/**
 * The server of this checkout with nobody who watches: no metrics, no access log. Only the bench has it,
 * to find what they cost.
 *
 *   unwatched.ts DATA PORT
 */
import { startServer } from "../../src/http/server.ts";
import { createLog } from "../../src/observe/log.ts";
import { openRegistry } from "../../src/registry/open.ts";
import { plainServer } from "../support/plain-server.ts";

const [data = "", port = ""] = process.argv.slice(2);
const silent = { reading() {}, read() {}, info() {}, warn() {} };
const rules = { delete: true, sparse: false, maxManifestSize: 8 * 1024 * 1024 };
const open = await openRegistry(data, rules, silent);
const log = createLog({ level: "warn", format: "json" }, false);
const server = startServer(open.registry, plainServer({ port: Number(port) }), log);
process.once("SIGTERM", () => {
  void server
    .stop()
    .then(() => open.close())
    .then(() => process.exit(0));
});
