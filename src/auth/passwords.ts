/** bcrypt looks at no more of a password than this. */
export const BCRYPT_BYTES = 72;

/** Nobody's: the time of a check is spent on it where there is no user at all. */
const NOBODYS = "$2b$10$uaQofrAL4YGv6FJG5vIosuRzNfsrrHDOBBenVGfRepZW/d71OzwK.";

/**
 * Checks a password against a bcrypt hash, on another thread; takes 2^cost steps, some 50 ms at cost 10.
 *
 * Bun shortens longer passwords with another hash first, which no other program does: here the bytes
 * beyond the 72nd count for nothing, as everywhere else. False for what is no hash.
 */
export async function verifyPassword(
  password: Uint8Array<ArrayBuffer>,
  hash: string,
): Promise<boolean> {
  const relevant = password.subarray(0, BCRYPT_BYTES);
  if (relevant.length === 0 || relevant.includes(0)) return false;
  try {
    return await Bun.password.verify(relevant, hash, "bcrypt");
  } catch {
    return false;
  }
}

/** Takes as long as a check against this hash would, and never says yes. */
export async function verifyNobody(
  password: Uint8Array<ArrayBuffer>,
  hash: string | undefined,
): Promise<false> {
  await verifyPassword(password, hash ?? NOBODYS);
  return false;
}

/**
 * A new bcrypt hash in the form that htpasswd writes. Throws RangeError when the password is empty, or
 * has a byte that a C program takes for its end.
 */
export async function hashPassword(
  password: Uint8Array<ArrayBuffer>,
  cost: number,
): Promise<string> {
  if (password.length === 0) throw new RangeError("a password must not be empty");
  if (password.includes(0)) throw new RangeError("a password must not have a NUL in it");
  const relevant = password.subarray(0, BCRYPT_BYTES);
  const hash = await Bun.password.hash(relevant, { algorithm: "bcrypt", cost });
  return hash.replace(/^\$2[ab]\$/, "$2y$");
}
