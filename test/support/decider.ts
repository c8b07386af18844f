import { schema } from "../../src/config/schema.ts";
import { type Decider, deciderOf } from "../../src/plan/decider.ts";
import { NOTHING_IN_USE } from "../../src/retention/decide.ts";

/** Decides by policies as they stand in a configuration, where nothing is in use. */
export function deciderBy(retention: readonly object[], now = Date.now()): Decider {
  return deciderOf(schema.shape.retention.parse(retention), { now, inUse: NOTHING_IN_USE });
}
