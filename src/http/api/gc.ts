import type { Collector } from "../../gc/collector.ts";
import type { Wish } from "../../gc/collector-status.ts";
import { RegistryError } from "../../oci/errors.ts";
import type { Exchange, Handler } from "../exchange.ts";
import { readWish, yesOrNo } from "../json-body.ts";
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
  const wish = await readWish(request, ["consent", "walk"], {
    limit: LONGEST_WISH,
    optional: true,
  });
  return { consent: yesOrNo(wish, "consent"), walk: yesOrNo(wish, "walk", true) };
}
