import { checkRegistry } from "../../gc/check.ts";
import { settled } from "../../gc/settled.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Registry } from "../../registry/registry.ts";
import type { Handler } from "../exchange.ts";
import { flag } from "../query.ts";
import { COMMON } from "../reply.ts";

/** Shorter than any time after which somebody between us and the client would take the answer for dead. */
const SIGN_OF_LIFE_MS = 5000;

/** A check reads a lot; several at once would only slow each other and everybody else. */
const busy = new WeakSet<Registry>();

/**
 * Checks all that is stored, as JSON lines: `{"finding"}`, `{"progress"}`, and `{"done"}` at the end.
 * An answer without the last one has broken off. It stops when the client goes away.
 */
export const checkAll: Handler = async ({ query, registry }) => {
  const verifyBytes = flag(query, "verifyBytes");
  if (busy.has(registry)) {
    throw new RegistryError("UNAVAILABLE", { reason: "another check is under way" });
  }
  busy.add(registry);
  const { metadata, storage, rules } = registry;
  const events = checkRegistry(
    { metadata, storage },
    { verifyBytes, sparse: rules.sparse, settle: async () => await settled(metadata) },
  );
  const end = (): void => {
    clearInterval(alive);
    busy.delete(registry);
  };
  let alive: ReturnType<typeof setInterval> | undefined;
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
};
