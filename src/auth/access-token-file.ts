import { z } from "zod";
import { ACTIONS } from "../config/schema-auth.ts";
import { RegistryError } from "../oci/errors.ts";
import { parseNameGlob } from "../oci/name-glob.ts";
import type { AccessToken } from "./access-token.ts";
import { rewriteFile } from "./rewrite-file.ts";

/** Its name, below `wharfinger/` in the data folder: it must outlive the database, which can be thrown away. */
export const TOKENS_FILE = "tokens.json";

const time = z.iso.datetime();

const glob = z.string().refine((text) => "matches" in parseNameGlob(text), "is no glob");

const token = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{12}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  user: z.string().min(1),
  repositories: z.array(glob).min(1),
  actions: z.array(z.enum(ACTIONS)).min(1),
  created: time,
  expires: time.nullable(),
  note: z.string(),
});

const document = z.strictObject({ version: z.literal(1), tokens: z.array(token) });

/**
 * The tokens of a file, by id; of no file: none. Throws DATA_FOLDER when the text is anything else than what
 * we write: a token that was revoked, or one that is valid, must not be lost to a slip of an editor.
 */
export function parseTokens(path: string, text: string | null): ReadonlyMap<string, AccessToken> {
  if (text === null) return new Map();
  const refuse = (why: string, cause?: unknown): RegistryError =>
    new RegistryError("DATA_FOLDER", { reason: `${path} is broken (${why})` }, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse("it is not JSON", error);
  }
  const parsed = document.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`${issue?.path.join(".") || "it"}: ${issue?.message}`);
  }
  const tokens = new Map(parsed.data.tokens.map((one) => [one.id, one]));
  if (tokens.size !== parsed.data.tokens.length) throw refuse("an id stands twice");
  return tokens;
}

/** Changes the tokens of a file, durably. Rejects with DATA_FOLDER when it is broken or cannot be written. */
export async function changeTokens(
  path: string,
  change: (tokens: Map<string, AccessToken>) => void,
): Promise<void> {
  await rewriteFile(path, "DATA_FOLDER", (content) => {
    const tokens = new Map(parseTokens(path, content && content.toString("utf8")));
    change(tokens);
    return `${JSON.stringify({ version: 1, tokens: [...tokens.values()] }, null, 2)}\n`;
  });
}

/** Revokes all tokens of a user; their ids. Rejects with DATA_FOLDER. */
export async function revokeTokensOf(path: string, user: string): Promise<string[]> {
  const gone: string[] = [];
  await changeTokens(path, (tokens) => {
    const theirs = [...tokens.values()].filter((one) => one.user === user);
    gone.push(...theirs.map(({ id }) => id));
    for (const id of gone) tokens.delete(id);
  });
  return gone;
}
