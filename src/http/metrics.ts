import type { Metrics } from "../observe/metrics.ts";
import type { Handler } from "./exchange.ts";
import { COMMON } from "./reply.ts";

/** What is counted, in the text format of Prometheus. */
export async function metricsPage(metrics: Metrics): Promise<Response> {
  const text = await metrics.text();
  const headers = { ...COMMON, "content-type": metrics.contentType, "cache-control": "no-store" };
  const length = String(Buffer.byteLength(text));
  return new Response(text, { headers: { ...headers, "content-length": length } });
}

/** How much is pushed and pulled is nobody's business but the administrator's. */
export const getMetrics: Handler = async ({ operations }) => await metricsPage(operations.metrics);
