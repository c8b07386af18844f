/** Scripts that people write around clients of others: the digest and the config of every tag. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../support/peers.ts";
import { run } from "./processes.ts";
import type { Row, Run } from "./row.ts";
import type { Server } from "./servers.ts";

const REGCTL = "0.11.7";
const SECONDS = 900;

interface Peer {
  readonly name: string;
  /** Null: it is not here, and cannot be had. */
  readonly find: (() => Promise<string>) | null;
  /** A script that is given PROGRAM and HOST, and the repositories on its standard input. */
  readonly script: string;
}

const peers: readonly Peer[] = [
  {
    name: "regctl",
    find: Bun.which("regctl") ? async () => "regctl" : Bun.which("go") ? installRegctl : null,
    script: `
export REGCTL_CONFIG="$(mktemp)"
"$PROGRAM" registry set --tls disabled "$HOST" >/dev/null 2>&1
each() { "$PROGRAM" tag ls "$HOST/$1" | sed "s|^|$HOST/$1:|"; }
ask() { "$PROGRAM" manifest head "$1" && "$PROGRAM" image config "$1"; }`,
  },
  {
    name: "skopeo",
    find: Bun.which("skopeo") ? async () => "skopeo" : null,
    script: `
each() { "$PROGRAM" list-tags --tls-verify=false "docker://$HOST/$1" | sed -n 's|^ *"\\([^"]*\\)",\\{0,1\\}$|'"$HOST/$1"':\\1|p'; }
ask() { "$PROGRAM" inspect --no-tags --tls-verify=false "docker://$1"; }`,
  },
];

/** The rows of those that are here; `ours`: the same with Wharfinger, in seconds. */
export function peerRows(ours: (server: Server) => Promise<number>): Row[] {
  const missing = peers.filter(({ find }) => find === null).map(({ name }) => name);
  if (missing.length > 0) console.error(`Not compared, because not here: ${missing.join(", ")}`);
  return peers.flatMap(({ name, find, script }) => {
    if (find === null) return [];
    const measure = async ({ server, side }: Run): Promise<number> =>
      side === "ours" ? await ours(server) : await scripted(server, await find(), script);
    const title = `plan of 10 x 100 tags on docker-registry (against: a script with ${name}, 8 at once)`;
    return [{ name: `api-plan-${name}`, title, unit: "s", target: { atMost: 1 / 3 }, measure }];
  });
}

async function scripted({ url }: Server, program: string, script: string): Promise<number> {
  const lines = `set -euo pipefail
${script}
export -f ask each
export PROGRAM HOST
curl -fsS "http://$HOST/v2/_catalog?n=1000" | tr ',' '\\n' | sed -n 's|.*"\\([^"]*/[^"]*\\)".*|\\1|p' |
  xargs -P 8 -I{} bash -c 'each {}' | xargs -P 8 -I{} bash -c 'ask {} > /dev/null && echo done' | wc -l`;
  const env = { ...process.env, PROGRAM: program, HOST: new URL(url).host };
  const began = performance.now();
  const done = Number(await run(["bash", "-c", lines], SECONDS, { env }));
  const seconds = (performance.now() - began) / 1000;
  if (done !== 1000) throw new Error(`The script has asked for ${done} of 1000 tags.`);
  return seconds;
}

/** Debian has no package of it. */
async function installRegctl(): Promise<string> {
  const folder = join(cacheFolder, `regctl-${REGCTL}`);
  const program = join(folder, "regctl");
  if (await Bun.file(program).exists()) return program;
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, GOFLAGS: "" };
  await run(["go", "install", `github.com/regclient/regclient/cmd/regctl@v${REGCTL}`], SECONDS, {
    env,
  });
  return program;
}
