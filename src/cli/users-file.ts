import { join, resolve } from "node:path";
import type { Config } from "../config/schema.ts";
import { OURS } from "../storage/tree.ts";

/** Where the users of this configuration stand, whether or not the file is there. */
export function usersOf({ auth, data }: Pick<Config, "auth" | "data">): string {
  const named = typeof auth === "object" ? auth.htpasswd : undefined;
  return resolve(named ?? join(data, OURS, "htpasswd"));
}
