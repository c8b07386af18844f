import { BCRYPT_BYTES } from "../auth/passwords.ts";
import { RegistryError } from "../oci/errors.ts";
import type { Terminal } from "./terminal.ts";

/**
 * A new password: asked for twice at a terminal, or all of standard input without its last line end.
 * Throws USAGE when there is neither, when the two differ, or when it is empty.
 */
export async function newPassword(
  fromStdin: boolean,
  terminal: Terminal,
): Promise<Uint8Array<ArrayBuffer>> {
  const password = fromStdin ? await piped(terminal) : await asked(terminal);
  if (password.length === 0) throw usage("the password is empty");
  if (password.includes(0)) throw usage("the password has a NUL in it");
  if (password.length > BCRYPT_BYTES) {
    const note = `The password has ${password.length} bytes; bcrypt looks at the first ${BCRYPT_BYTES} only.`;
    terminal.note(note);
  }
  return password;
}

async function asked(terminal: Terminal): Promise<Uint8Array<ArrayBuffer>> {
  if (!terminal.interactive) {
    throw usage("there is no terminal to ask for a password; pipe it in, with --password-stdin");
  }
  const password = await terminal.askSecret("Password: ");
  const again = await terminal.askSecret("The same again: ");
  if (password !== again) throw usage("the two passwords differ; nothing was changed");
  return new TextEncoder().encode(password);
}

async function piped(terminal: Terminal): Promise<Uint8Array<ArrayBuffer>> {
  return withoutLineEnd(await terminal.readInput());
}

/** `echo` and editors put one there; it is no part of a password. Pure. */
export function withoutLineEnd(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end--;
  if (end < bytes.length && bytes[end - 1] === 0x0d) end--;
  return bytes.subarray(0, end);
}

function usage(reason: string): RegistryError {
  return new RegistryError("USAGE", { reason });
}
