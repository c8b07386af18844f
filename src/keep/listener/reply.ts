/** A refusal on its way to whoever asked; `message` is all that he reads. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

const COMMON = { "cache-control": "no-store", "x-content-type-options": "nosniff" } as const;

/** Plain text, as the sidecar before us has answered: without an end of line. */
export function text(
  message: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(message, { status, headers: { ...COMMON, ...type, ...headers } });
}

export function json(value: unknown, status = 200): Response {
  const type = { "content-type": "application/json" };
  return new Response(JSON.stringify(value), { status, headers: { ...COMMON, ...type } });
}

export function empty(status: number): Response {
  return new Response(null, { status, headers: COMMON });
}
