import type { Collector } from "../../gc/collector.ts";
import type { Wish } from "../../gc/collector-status.ts";
import { RegistryError } from "../../oci/errors.ts";
import { isRecord } from "../../oci/json.ts";
import { JsonError, parseStrictJson } from "../../oci/strict-json.ts";
import { readBody } from "../body.ts";
import type { Exchange, Handler } from "../exchange.ts";
import { jsonLines } from "../json-lines.ts";
import { flag } from "../query.ts";
import { json } from "../reply.ts";

/** Bytes: a wish is a few words. */
const LONGEST_WISH = 4096;

/** What the collection of garbage does, waits for, and has done. */
export const getCollection: Handler = async (exchange) => {
  return json(await report(exchange));
};

/** Begins a collection, or joins the one that goes on. The body may be empty. */
export const postCollection: Handler = async (exchange) => {
  await collectorOf(exchange).ask(await wishIn(exchange));
  return json(await report(exchange), {}, 202);
};

/** What a collection would take away at this moment, as JSON lines: `{repository}`, and `{done}` at the end. */
export const getPlan: Handler = async (exchange) => {
  const parts = collectorOf(exchange).plan(flag(exchange.query, "consent"));
  return jsonLines(linesOf(parts));
};

async function* linesOf(parts: ReturnType<Collector["plan"]>): AsyncGenerator<object> {
  for await (const part of parts) yield "totals" in part ? { done: part.totals } : part;
}

async function report(exchange: Exchange): Promise<Readonly<Record<string, unknown>>> {
  const { metadata } = exchange.registry;
  const status = await collectorOf(exchange).status();
  return { schemaVersion: 1, ...status, trash: await metadata.sumTrash() };
}

function collectorOf({ operations }: Exchange): Collector {
  if (operations.collector) return operations.collector;
  throw new RegistryError("UNAVAILABLE", { reason: "nothing collects garbage here yet" });
}

/** Throws PARAMETER_INVALID. */
async function wishIn({ request }: Exchange): Promise<Wish> {
  const bytes = await readBody(request, LONGEST_WISH, (limit) =>
    bad(`it is longer than ${limit} bytes`),
  );
  if (bytes.length === 0) return { walk: true };
  const wish = parse(bytes);
  const { consent = false, walk = true, ...others } = wish;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw bad(`${JSON.stringify(unknown.slice(0, 40))} is not known`);
  if (typeof consent !== "boolean" || typeof walk !== "boolean") {
    throw bad("consent and walk are true or false");
  }
  return { consent, walk };
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(bytes);
    if (isRecord(value)) return value;
    throw bad("it is not a JSON object");
  } catch (error) {
    if (error instanceof JsonError) throw bad(error.message);
    throw error;
  }
}

function bad(why: string): RegistryError {
  return new RegistryError("PARAMETER_INVALID", { reason: `the body: ${why}`, parameter: "body" });
}
