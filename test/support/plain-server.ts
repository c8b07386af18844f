import { OPEN_GATE } from "../../src/auth/gate.ts";
import type { Operations } from "../../src/http/operations.ts";
import type { ServerOptions } from "../../src/http/server.ts";
import { Health } from "../../src/observe/health.ts";
import { createMetrics } from "../../src/observe/metrics.ts";

/** A server on a free port where nothing is configured, but for what the test is about. */
export function plainServer(different: Partial<ServerOptions> = {}): ServerOptions {
  return {
    hostname: "127.0.0.1",
    port: 0,
    tls: null,
    publicUrl: "",
    gate: OPEN_GATE,
    observers: [],
    headers: {},
    readOnly: false,
    operations: healthy(),
    ...different,
  };
}

function healthy(): Operations {
  const health = new Health();
  health.start([]);
  return { health, metrics: createMetrics(), collector: null, pruning: null, retention: null };
}
