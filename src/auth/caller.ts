import type { ACTIONS } from "../config/schema-auth.ts";
import type { RepositoryName } from "../oci/name.ts";

/** What somebody can be allowed to do. */
export type Action = (typeof ACTIONS)[number];

/** Whoever sent a request, and what he may do. Asked at every request: rights can be taken away. */
export interface Caller {
  /** Null: nobody has said who he is. */
  readonly name: string | null;
  /**
   * He came with a token that gives less than he may have: with another one he may do more, so a refusal
   * asks for that.
   */
  readonly limited?: boolean;
  may(action: Action, repository: RepositoryName): boolean;
  /** In every repository that there is or can be: what concerns the registry as a whole. */
  mayEverywhere(action: Action): boolean;
  /** What the catalog may name to him; unset: what he may pull; null: he came with a token for other things. */
  readonly lists?: ((repository: RepositoryName) => boolean) | null;
  /** How he has shown who he is, as a token issued to him remembers it; unset: no token is issued to him. */
  readonly credential?: Credential;
}

/** What the rights of an issued token rest on: when it is gone, so is the token. */
export type Credential =
  | { readonly kind: "nobody" }
  /** `version` changes with the password. */
  | { readonly kind: "password"; readonly user: string; readonly version: string }
  | { readonly kind: "token"; readonly id: string };

/** The caller where no authentication is wanted. */
export const ANYBODY: Caller = {
  name: null,
  may: () => true,
  mayEverywhere: () => true,
};

/** The caller where nobody was asked who he is, because the route is for everyone. */
export const NOBODY: Caller = {
  name: null,
  may: () => false,
  mayEverywhere: () => false,
};

/** Whether the catalog may name a repository to this caller. */
export function mayList(caller: Caller, repository: RepositoryName): boolean {
  if (caller.lists === undefined) return caller.may("pull", repository);
  return caller.lists?.(repository) ?? false;
}
