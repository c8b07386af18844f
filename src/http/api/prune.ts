import { RegistryError } from "../../oci/errors.ts";
import type { Exchange, Handler } from "../exchange.ts";
import { readWish, yesOrNo } from "../json-body.ts";
import type { Pruning } from "../operations.ts";
import { json } from "../reply.ts";
import { whoAsks } from "../who.ts";

/** Bytes: a wish is a few words. */
const LONGEST_WISH = 4096;

/** What the registry prunes of itself, when, and what its last runs have done. */
export const getPruning: Handler = async (exchange) => {
  return json(report(pruningOf(exchange)));
};

/** Begins a run, or joins the one that goes on. The body may be empty; `dryRun`: only report what would go. */
export const postPruning: Handler = async (exchange) => {
  const wish = await readWish(exchange.request, ["dryRun"], {
    limit: LONGEST_WISH,
    optional: true,
  });
  const pruning = pruningOf(exchange);
  const dryRun = "dryRun" in wish ? yesOrNo(wish, "dryRun") : null;
  await pruning.ask({ dryRun, by: whoAsks(exchange) });
  return json(report(pruning), {}, 202);
};

function report(pruning: Pruning): Readonly<Record<string, unknown>> {
  return { schemaVersion: 1, ...pruning.status() };
}

/** As long as the registry is not open there is none. */
function pruningOf({ operations }: Exchange): Pruning {
  if (operations.pruning) return operations.pruning;
  throw new RegistryError("UNAVAILABLE", { reason: "the registry is not open yet" });
}
