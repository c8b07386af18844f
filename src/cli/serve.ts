import type { Command } from "commander";
import { hostname as machineName } from "node:os";
import { resolve as absolute } from "node:path";
import { createGate } from "../auth/create-gate.ts";
import { type Gate, replaceableGate } from "../auth/gate.ts";
import { isLoopback, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { pullObserver } from "../http/pulls.ts";
import { type RunningServer, startServer } from "../http/server.ts";
import { type Outbox, openOutbox } from "../notify/outbox.ts";
import { type Log, createLog } from "../observe/log.ts";
import { type OpenEvents, type OpenRegistry, openRegistry } from "../registry/open.ts";
import { RegistryError } from "../oci/errors.ts";
import { subcommand } from "./subcommand.ts";
import { usersOf } from "./users-file.ts";
import type { Terminal } from "./terminal.ts";

/** Bytes: the spec asks for at least 4 MB; registry:2 takes 4 MiB. */
const MAX_MANIFEST_SIZE = 8 * 1024 * 1024;

interface ServeOptions {
  readonly listen?: string;
  readonly data?: string;
}

export function serveCommand(terminal: Terminal): Command {
  return subcommand("serve", terminal)
    .summary("run the registry")
    .description(
      "Runs the registry until it is stopped (Ctrl-C or SIGTERM; transfers under way end first).\n" +
        "Without a configuration it listens on 127.0.0.1:5000 and keeps its data in ./data.",
    )
    .argument("[CONFIG]", "a wharf.yaml; see docs/configuration.md")
    .option("--listen <HOST:PORT>", "where to listen; :5000 means every address")
    .option(
      "--data <DIR>",
      "where images are kept; a folder of registry:2 or registry:3 is taken as it is",
    )
    .addHelpText("after", EXAMPLES)
    .action(async (file: string | undefined, options: ServeOptions) => {
      await serve(file ?? null, options, terminal);
    });
}

const EXAMPLES = `
Examples:
  wharf serve                               a registry on 127.0.0.1:5000, data in ./data
  wharf serve --listen 127.0.0.1:8080       on another port
  wharf serve --data /var/lib/registry      with the data of a registry:2
  wharf serve wharf.yaml                    with a configuration file

Then push a first image:
  skopeo copy --dest-tls-verify=false docker-archive:app.tar docker://127.0.0.1:5000/app:1
  docker tag app 127.0.0.1:5000/app:1 && docker push 127.0.0.1:5000/app:1

Settings may also come from the environment: WHARF_LISTEN, WHARF_DATA, WHARF_LOG_LEVEL, …`;

async function serve(file: string | null, flags: ServeOptions, terminal: Terminal): Promise<void> {
  const config = loadConfig({ file, environment: terminal.environment, flags: { ...flags } });
  // A setting that would protect something and does not yet must not be silently off.
  for (const setting of ["tls", "debug", "readOnly"] as const) {
    if (config[setting])
      throw new RegistryError("CONFIG_INVALID", { reason: `${setting}: not yet` });
  }
  const log = createLog(config.log, terminal.stderrIsTerminal);
  const warn: OpenEvents["warn"] = (facts, message) => log.warn(facts, message);
  const gate = replaceableGate(await createGate(config.auth, usersOf(config), warn));
  const open = await openRegistry(
    config.data,
    {
      delete: config.delete,
      sparse: config.sparse,
      maxManifestSize: MAX_MANIFEST_SIZE,
      uploads: { inAll: config.limits.uploads, inOne: config.limits.uploadsPerRepository },
    },
    events(log),
  );
  const outbox = await announced(open, config, log);
  const server = await bind(open, gate, outbox, config, log);
  const address = `${host(config.listen.hostname)}:${server.port}`;
  open.announce(`http://${address}`);
  outbox.start(`${machineName()}:${server.port}`);
  for (const line of welcome(address, config)) terminal.print(line);
  if (sendsPasswordsOpenly(config)) log.warn(OPENLY);
  await untilStopped(server, terminal, log);
  await outbox.close();
  log.info("bringing the tree up to date");
  await open.close();
  log.info("stopped");
}

/** From here on changes are announced, if somebody listens. */
async function announced(open: OpenRegistry, config: Config, log: Log): Promise<Outbox> {
  const { metadata } = open.registry;
  const scheme = config.tls ? "https" : "http";
  const baseUrl = (said: string): string => config.publicUrl ?? `${scheme}://${said}`;
  try {
    return await openOutbox(config.notifications, { metadata, baseUrl, log });
  } catch (error) {
    await open.close();
    throw error;
  }
}

async function bind(
  open: OpenRegistry,
  gate: Gate,
  { metadata, pulls }: Outbox,
  config: Config,
  log: Log,
): Promise<RunningServer> {
  try {
    const options = {
      ...config.listen,
      publicUrl: config.publicUrl ?? "",
      gate,
      trustedProxies: config.trustedProxies,
      observers: pulls ? [pullObserver(pulls, open.registry.now)] : [],
      limits: config.limits,
    };
    return startServer({ ...open.registry, metadata }, options, log);
  } catch (error) {
    await open.close();
    const reason = `cannot listen on ${host(config.listen.hostname)}:${config.listen.port} (${(error as Error).message})`;
    throw new RegistryError("CONFIG_INVALID", { reason }, { cause: error });
  }
}

/** The first wish to stop lets transfers end, the second cuts them off. */
async function untilStopped(server: RunningServer, terminal: Terminal, log: Log): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let stopping = false;
    terminal.onStop((signal) => {
      log.info(
        { signal },
        stopping ? "cutting off what still runs" : "stopping when all transfers have ended",
      );
      (stopping ? server.abort() : server.stop()).then(resolve, reject);
      stopping = true;
    });
  });
}

/** Between two lines that say how far a long work has come. */
const PROGRESS_MS = 1000;

function events(log: Log): OpenEvents {
  let said = performance.now();
  return {
    reading(repositories) {
      if (performance.now() - said < PROGRESS_MS) return;
      said = performance.now();
      log.info({ repositories }, "comparing the tree");
    },
    read: ({ repositories, manifests, tags, problems }) => {
      if (repositories === 0) return;
      log.info({ repositories, manifests, tags, problems: problems.length }, "the tree was read");
    },
    info: (facts, message) => log.info(facts, message),
    warn: (facts, message) => log.warn(facts, message),
  };
}

const OPENLY =
  "passwords travel unencrypted: whoever can listen on the way can read them. Set `tls`, or let a proxy " +
  "with TLS stand in front and listen on 127.0.0.1";

/** With a public https URL there is a proxy that takes them encrypted. */
function sendsPasswordsOpenly({ auth, listen, tls, publicUrl }: Config): boolean {
  if (typeof auth !== "object" || isLoopback(listen.hostname)) return false;
  return !tls && !publicUrl?.startsWith("https:");
}

function welcome(address: string, config: Config): string[] {
  const { data } = config;
  const name = address.replace(/^(?:0\.0\.0\.0|\[::\]):/, "127.0.0.1:");
  return [
    `Wharfinger serves http://${address}`,
    `  data            ${absolute(data)}`,
    `  authentication  ${authentication(config)}`,
    "Push a first image:",
    `  docker tag IMAGE ${name}/my/image:1`,
    `  docker push ${name}/my/image:1`,
  ];
}

function authentication(config: Config): string {
  const { auth, listen } = config;
  if (typeof auth !== "object") {
    const open = isLoopback(listen.hostname)
      ? "anyone on this machine"
      : "anyone who reaches this address";
    return `off: ${open} may push, pull and delete`;
  }
  const rights = auth.rules ? `${auth.rules.length} rules` : "every user may do everything";
  const anonymous = auth.anonymousPull.length > 0 ? ", some pulls without" : "";
  return `users of ${usersOf(config)}; ${rights}${anonymous}`;
}

function host(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
