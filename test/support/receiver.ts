import type { WireEvent } from "../../src/notify/format.ts";
import { eventually } from "./eventually.ts";

/** A real HTTP server that takes events, as the receivers of notifications do. */
export interface Receiver extends AsyncDisposable {
  /** Where events are posted to. */
  readonly url: string;
  readonly port: number;
  /** Every request, answered well or not. */
  readonly deliveries: readonly Delivery[];
  /** What was answered well, in the order of arrival; repeats included. */
  readonly events: readonly WireEvent[];
  /** From now on. */
  answerWith(answer: Answer): void;
  /** Waits until there are so many events, but not for ever. */
  until(count: number): Promise<readonly WireEvent[]>;
}

export interface Delivery {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly at: number;
}

/** Null: takes the events. */
type Answer = (delivery: Delivery, count: number) => Response | null | Promise<Response | null>;

export function receiver(answer: Answer = () => null, port = 0): Receiver {
  let decide = answer;
  const deliveries: Delivery[] = [];
  const events: WireEvent[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    idleTimeout: 60,
    async fetch(request) {
      const body = await request.text();
      const path = new URL(request.url).pathname;
      const headers = Object.fromEntries(request.headers.entries());
      const delivery = { method: request.method, path, headers, body, at: performance.now() };
      deliveries.push(delivery);
      const other = await decide(delivery, deliveries.length);
      if (other) return other;
      events.push(...eventsOf(delivery));
      return new Response(null, { status: 202 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/events`,
    port: server.port ?? 0,
    deliveries,
    events,
    answerWith: (next) => (decide = next),
    until: async (count) => {
      await eventually(
        async () => events.length,
        (length) => length >= count,
        20_000,
      );
      return events;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

export function eventsOf({ body }: Delivery): WireEvent[] {
  return (JSON.parse(body) as { events: WireEvent[] }).events;
}

/** `push manifest team/app:v1`, to compare what happened at a glance. */
export function sentence({ action, target }: WireEvent): string {
  const { digest, repository, tag, mediaType, fromRepository } = target;
  const what = digest === undefined ? "tag" : mediaType?.includes("octet-stream") ? "blob" : "";
  const from = fromRepository === undefined ? "" : ` from ${fromRepository}`;
  const where = repository + (tag === undefined ? "" : `:${tag}`);
  return [action, what, where].filter(Boolean).join(" ") + from;
}
