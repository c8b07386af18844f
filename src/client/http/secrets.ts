/** Shorter ones stand in many a text by chance. */
const SHORTEST = 4;

/**
 * Whether one of the secrets is in a text. Of a host's name only the letters are left, small ones: that
 * counts too. Pure.
 */
export function holds(secrets: readonly string[], text: string): boolean {
  const lower = text.toLowerCase();
  return secrets.some(
    (secret) => secret.length >= SHORTEST && lower.includes(secret.toLowerCase()),
  );
}

/** An address with its escapes undone, as far as they can be. Pure. */
export function decoded(address: string): string {
  try {
    return `${address} ${decodeURIComponent(address)}`;
  } catch {
    return address;
  }
}
