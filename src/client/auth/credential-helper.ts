import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import type { Credentials, Environment } from "./credentials.ts";

/** A helper may ask a person to unlock a store. Milliseconds. */
const PATIENCE_MS = 2 * 60_000;
const LARGEST = 64 * 1024;

/**
 * Asks `docker-credential-NAME get`: the server on its stdin, `{"Username","Secret"}` on its stdout.
 * Null when it has none. Throws CREDENTIALS when it fails; what it wrote is not repeated, for it may
 * be a secret.
 */
export async function askHelper(
  name: string,
  server: string,
  environment: Environment,
): Promise<Credentials | null> {
  const from = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw failed("a credential helper", "has no usable name");
  const path = Bun.which(from, { PATH: environment["PATH"] ?? "" });
  if (path === null) throw failed(from, "was not found on the PATH");
  const helper = Bun.spawn([path, "get"], {
    stdin: new TextEncoder().encode(`${server}\n`),
    stdout: "pipe",
    stderr: "ignore",
    env: { ...environment },
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
    maxBuffer: LARGEST,
  });
  const text = await helper.stdout.text();
  if ((await helper.exited) !== 0) {
    // The words that docker itself looks for.
    if (/credentials not found/i.test(text)) return null;
    throw failed(from, `ended with ${helper.signalCode ?? `code ${helper.exitCode}`}`);
  }
  return credentialsOf(text, from);
}

function credentialsOf(text: string, from: string): Credentials | null {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = null;
  }
  const { Username: username, Secret: secret } = isRecord(answer) ? answer : {};
  if (typeof username !== "string" || typeof secret !== "string") {
    throw failed(from, "did not answer as a credential helper does");
  }
  if (username === "<token>") return { kind: "identity", token: secret, from };
  return username === "" && secret === ""
    ? null
    : { kind: "password", username, password: secret, from };
}

function failed(who: string, why: string): RegistryError {
  return new RegistryError("CREDENTIALS", { reason: `${who} ${why}` });
}
