import { resolve as absolute } from "node:path";
import type { Config } from "../../config/schema.ts";
import { isLoopback } from "../../oci/loopback.ts";
import { usersOf } from "../users-file.ts";

/** What a person reads who has started the registry. */
export function welcome(port: number, debugPort: number | null, config: Config): string[] {
  const { data, listen, tls, debug, readOnly } = config;
  const address = hostAndPort({ hostname: listen.hostname, port });
  const name = address.replace(/^(?:0\.0\.0\.0|\[::\]):/, "127.0.0.1:");
  return [
    `Wharfinger serves ${tls ? "https" : "http"}://${address}`,
    `  data            ${absolute(data)}`,
    `  authentication  ${authentication(config)}`,
    ...(tls?.clientCAs ? ["  certificates    clients must show one"] : []),
    ...(readOnly ? ["  read-only       nothing can be pushed or deleted"] : []),
    ...(debug && debugPort !== null
      ? [`  metrics, health http://${hostAndPort({ ...debug.listen, port: debugPort })}`]
      : []),
    "Push a first image:",
    ...(typeof config.auth === "object" ? [`  docker login ${name}`] : []),
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
  if (auth.token) return `tokens of ${auth.token.realm}`;
  const rights = auth.rules ? `${auth.rules.length} rules` : "every user may do everything";
  const anonymous = auth.anonymousPull.length > 0 ? ", some pulls without" : "";
  return `users of ${usersOf(config)}; ${rights}${anonymous}`;
}

export function hostAndPort({ hostname, port }: Config["listen"]): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
