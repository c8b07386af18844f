import type { Caller } from "../../../src/auth/caller.ts";
import type { Gate } from "../../../src/auth/gate.ts";
import type { Users } from "../../../src/auth/htpasswd.ts";
import { passwordGate } from "../../../src/auth/password-gate.ts";
import { hashPassword } from "../../../src/auth/passwords.ts";
import { type RuleSettings, compileRules } from "../../../src/auth/rules.ts";
import { expectStatus } from "../../support/push.ts";
import { image } from "../../support/image.ts";
import { blob, randomBytes, type Blob } from "../../support/oci.ts";
import { octets } from "./content.ts";
import type { Asked } from "./http.ts";
import type { TestRegistry } from "./registry.ts";

/** A gate for users who are called like their passwords, and a way to change who they are. */
export interface TestGate extends Gate {
  /** Whoever is not named from now on is no user any more. */
  setUsers(names: readonly string[]): Promise<void>;
}

export async function testGate(
  names: readonly string[],
  settings: Partial<RuleSettings> = {},
): Promise<TestGate> {
  let users: Users = { hashes: new Map(), problems: [], torn: false };
  const hashes = new Map<string, string>();
  const setUsers = async (wanted: readonly string[]): Promise<void> => {
    for (const name of wanted) {
      if (!hashes.has(name)) {
        hashes.set(name, await hashPassword(new TextEncoder().encode(passwordOf(name)), 4));
      }
    }
    const kept = [...hashes].filter(([name]) => wanted.includes(name));
    users = { hashes: new Map(kept), problems: [], torn: false };
  };
  await setUsers(names);
  const rules = compileRules({ anonymousPull: [], groups: {}, ...settings });
  const now = (): number => performance.now();
  const gate = passwordGate({ realm: "tests", rules, source: { users: () => users }, now });
  return { ...gate, setUsers };
}

export function passwordOf(name: string): string {
  return `${name}'s:password`;
}

/** The header of a user who knows his password; null: nobody in particular. */
export function as(name: string | null, password?: string): Readonly<Record<string, string>> {
  if (name === null) return {};
  const both = Buffer.from(`${name}:${password ?? passwordOf(name)}`);
  return { authorization: `Basic ${both.toString("base64")}` };
}

/** What a repository has in it when a test begins. */
export interface Seed {
  readonly manifest: string;
  readonly tag: string;
  readonly layer: string;
  /** A blob that no manifest names. */
  readonly spare: string;
  /** The path of an upload that is not finished. */
  readonly upload: string;
}

/** Pushes an image, a spare blob and the beginning of an upload, as somebody who may. */
export async function seed(registry: TestRegistry, name: string, user: string): Promise<Seed> {
  const authorized = as(user);
  const one = image();
  const spare = blob(octets, randomBytes(50));
  const begin = async (): Promise<string> => {
    const answer = await registry.ask("POST", `/v2/${name}/blobs/uploads/`, {
      headers: authorized,
    });
    return answer.headers.get("location") ?? "";
  };
  const put = async ({ bytes, descriptor: { digest } }: Blob): Promise<void> => {
    const path = `${await begin()}?digest=${digest}`;
    const init = { method: "PUT", headers: { ...authorized, "content-type": octets }, body: bytes };
    await expectStatus(201, registry.url + path, init);
  };
  for (const part of [...one.blobs, spare]) await put(part);
  const headers = { ...authorized, "content-type": one.mediaType };
  const init = { method: "PUT", headers, body: one.bytes };
  await expectStatus(201, `${registry.url}/v2/${name}/manifests/v1`, init);
  const layer = one.blobs.at(-1)?.descriptor.digest ?? "";
  return {
    manifest: one.digest,
    tag: "v1",
    layer,
    spare: spare.descriptor.digest,
    upload: await begin(),
  };
}

/** What is compared of an answer: all but the moment at which it was given. */
export function shown(
  { status, headers, text }: { status: number; headers: Headers; text: string },
  ...names: readonly string[]
): unknown {
  const all = [...headers]
    .filter(([key]) => key !== "date")
    .toSorted(([a], [b]) => a.localeCompare(b));
  const whole = JSON.stringify({ status, headers: all, text });
  return JSON.parse(names.reduce((out, name) => out.replaceAll(name, "NAME"), whole));
}

export type { Asked, Caller };
