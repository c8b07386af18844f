import { COMMON } from "./reply.ts";

/** Shorter than any time after which somebody between us and the client would take the answer for dead. */
const SIGN_OF_LIFE_MS = 5000;

/**
 * An answer that is made while it is sent: one JSON document a line, and an empty line when nothing has
 * come for a while. It stops when the client goes away. An answer that breaks off has no last line.
 */
export function jsonLines(events: AsyncGenerator): Response {
  let alive: ReturnType<typeof setInterval> | undefined;
  const end = (): void => clearInterval(alive);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      alive = setInterval(() => controller.enqueue(encoder.encode("\n")), SIGN_OF_LIFE_MS);
    },
    async pull(controller) {
      try {
        const { done, value } = await events.next();
        if (!done) return controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    async cancel() {
      end();
      await events.return(undefined);
    },
  });
  return new Response(body, { headers: { ...COMMON, "content-type": "application/x-ndjson" } });
}
