/** What asks for a name and a password. @see RFC 7617, section 2 */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quoted(realm)}`;
}

/** What a client needs to know to get a token that allows what it wants. */
interface Wanted {
  readonly realm: string;
  readonly service: string;
  readonly scope: string | null;
  readonly error: string | null;
}

/** What asks for a token. @see RFC 6750, section 3; distribution, "How to authenticate" */
export function bearerChallenge({ realm, service, scope, error }: Wanted): string {
  const parameters = Object.entries({ realm, service, scope, error });
  return `Bearer ${parameters
    .flatMap(([name, value]) => (value === null ? [] : [`${name}=${quoted(value)}`]))
    .join(",")}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
