import { type RepositoryName, isRepositoryName } from "../oci/name.ts";
import type { Caller } from "./caller.ts";

/** What of one repository a token is for; administering is never. */
export type ScopedAction = "pull" | "push" | "delete";

const SCOPED_ACTIONS: readonly ScopedAction[] = ["pull", "push", "delete"];

/** What a token allows, or is asked to. */
export interface Grants {
  readonly repositories: ReadonlyMap<RepositoryName, ReadonlySet<ScopedAction>>;
  /** `registry:catalog:*`: the list of all repositories. */
  readonly catalog: boolean;
}

/** One entry of the `access` claim. */
export interface AccessEntry {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** `repository`, or `repository(plugin)`, whose class counts for nothing any more. */
const TYPE = /^([a-z0-9]+)(?:\([a-z0-9]+\))?$/;

/**
 * Reads one scope, such as `repository:team/app:pull,push`; null when it is none. The name may have a colon
 * (`host:5000/app`), so it ends at the last one. Pure.
 *
 * @see distribution, "Resource Scope Grammar"
 */
export function parseScope(text: string): AccessEntry | null {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  const type = first < 0 ? undefined : TYPE.exec(text.slice(0, first))?.[1];
  if (type === undefined || last === first) return null;
  const actions = text.slice(last + 1).split(",");
  return { type, name: text.slice(first + 1, last), actions };
}

/**
 * What entries come to. What we do not know (another type, a name that no repository can have, an action
 * that there is none of) grants nothing, and spoils nothing else. `*` is all that can be done to a
 * repository's content. Pure.
 */
export function grantsOf(entries: readonly AccessEntry[]): Grants {
  const repositories = new Map<RepositoryName, Set<ScopedAction>>();
  let catalog = false;
  for (const { type, name, actions } of entries) {
    if (type === "registry" && name === "catalog" && actions.includes("*")) catalog = true;
    if (type !== "repository" || !isRepositoryName(name)) continue;
    const known = repositories.get(name) ?? new Set<ScopedAction>();
    for (const action of SCOPED_ACTIONS) {
      if (actions.includes(action) || actions.includes("*")) known.add(action);
    }
    if (known.size > 0) repositories.set(name, known);
  }
  return { repositories, catalog };
}

/** What of it a caller may have now. Pure. */
export function cutDown({ repositories, catalog }: Grants, caller: Caller): Grants {
  const left = new Map<RepositoryName, ReadonlySet<ScopedAction>>();
  for (const [name, actions] of repositories) {
    const allowed = new Set([...actions].filter((action) => caller.may(action, name)));
    if (allowed.size > 0) left.set(name, allowed);
  }
  return { repositories: left, catalog };
}

/** The `access` claim. Pure. */
export function entriesOf({ repositories, catalog }: Grants): AccessEntry[] {
  const entries: AccessEntry[] = [...repositories].map(([name, actions]) => ({
    type: "repository",
    name,
    actions: SCOPED_ACTIONS.filter((action) => actions.has(action)),
  }));
  if (catalog) entries.push({ type: "registry", name: "catalog", actions: ["*"] });
  return entries;
}

/** The same in the words of scopes, as an OAuth2 answer repeats them. Pure. */
export function scopeText(grants: Grants): string {
  return entriesOf(grants)
    .map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`)
    .join(" ");
}

export function isEmpty({ repositories, catalog }: Grants): boolean {
  return repositories.size === 0 && !catalog;
}
