/**
 * What it costs to ask for passwords: ours that asks against ours that does not, and ours with a thousand
 * rules against ours with none. The same manifest is asked for over and over, the cheapest request there is.
 */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashPassword } from "../../src/auth/passwords.ts";
import { image } from "../support/image.ts";
import type { ServerGroup, Row } from "./row.ts";
import { type Program, type Server, withSettings } from "./servers.ts";

const authorization = `Basic ${Buffer.from("bench:password").toString("base64")}`;
const repository = "load/r0";
const path = `/v2/${repository}/manifests/t0`;

/** The user of the bench stands in most rules, and all but the last concern other repositories. */
const rules = [
  ...Array.from({ length: 999 }, (_, at) => ({
    repositories: [`team${at}/**`, `*/app-${at}`],
    users: ["bench"],
    allow: ["pull", "push"],
  })),
  { repositories: ["load/*"], users: ["bench"], allow: ["pull", "push"] },
];

let htpasswd: string | undefined;

/** A file of users, made once. */
async function users(): Promise<string> {
  if (htpasswd === undefined) {
    const hash = await hashPassword(new TextEncoder().encode("password"), 10);
    htpasswd = join(tmpdir(), `wharf-bench-users-${process.pid}`);
    await writeFile(htpasswd, `bench:${hash}\n`);
  }
  return htpasswd;
}

function asking(ours: Program, name: string, more: object = {}): Program {
  return {
    ...withSettings(ours, async () => ({ auth: { htpasswd: await users(), ...more } })),
    name,
  };
}

/** Sends credentials only to a server that wants some. */
async function credentials(server: Server): Promise<Record<string, string>> {
  const { status } = await fetch(`${server.url}/v2/`);
  return status === 401 ? { authorization } : {};
}

async function pushOne(server: Server, headers: Readonly<Record<string, string>>): Promise<void> {
  const one = image();
  const send = async (method: string, to: string, type: string, body: Uint8Array<ArrayBuffer>) => {
    const init = { method, headers: { ...headers, "content-type": type }, body };
    const { status } = await fetch(server.url + to, init);
    if (status !== 201) throw new Error(`${method} ${to} was answered ${status}`);
  };
  for (const { bytes, descriptor } of one.blobs) {
    const to = `/v2/${repository}/blobs/uploads/?digest=${descriptor.digest}`;
    await send("POST", to, "application/octet-stream", bytes);
  }
  await send("PUT", path, one.mediaType, one.bytes);
}

function row(name: string, title: string, atLeast: number): Row {
  return {
    name,
    title: `GET of a manifest by tag, 32 connections, ${title}`,
    unit: "requests/s",
    target: { atLeast },
    async measure({ clients, server }) {
      const headers = await credentials(server);
      await pushOne(server, headers);
      return await clients.requests(server, path, 32, headers);
    },
  };
}

export const password: ServerGroup = {
  space: 2 ** 20,
  programs: (ours) => ({ ours: asking(ours, "wharf-password"), theirs: ours }),
  rows: [row("password", "with a password (against ours without)", 0.95)],
};

export const thousandRules: ServerGroup = {
  space: 2 ** 20,
  programs: (ours) => ({
    ours: asking(ours, "wharf-rules", { rules }),
    theirs: asking(ours, "wharf-password"),
  }),
  rows: [row("rules", "with 1,000 rules (against ours with none)", 0.9)],
};
