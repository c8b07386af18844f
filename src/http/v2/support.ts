import type { Handler } from "../exchange.ts";
import { json } from "../reply.ts";

/** @see OCI distribution spec 1.1, "Determining Support" */
export const getSupport: Handler = async () => json({});
