import { type NameGlob, parseNameGlob } from "../oci/name-glob.ts";
import { RegistryError } from "../oci/errors.ts";
import type { RepositoryName } from "../oci/name.ts";
import { Bounded } from "./bounded.ts";
import type { Action, Caller } from "./caller.ts";

/** What the rules are made from, as `auth` in the configuration has it. */
export interface RuleSettings {
  /** Globs of repositories that may be pulled without a password. */
  readonly anonymousPull: readonly string[];
  /** Name to users. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** Unset: every user may do everything. */
  readonly rules?:
    | readonly {
        readonly repositories: readonly string[];
        readonly users: readonly string[];
        readonly groups: readonly string[];
        readonly allow: readonly Action[];
      }[]
    | undefined;
}

/** Who may do what; nobody may what no rule allows. */
export interface Rules {
  /** Whoever has not said who he is. */
  readonly anonymous: Caller;
  /** Somebody who has proved that this is his name. The same object as long as it is remembered. */
  user(name: string): Caller;
}

const BITS: Readonly<Record<Action, number>> = { pull: 1, push: 2, delete: 4, administer: 8 };
const EVERYTHING = 15;

/** Callers that are remembered, and of each one decisions about repositories: some megabytes. */
const MOST_CALLERS = 500;
const MOST_DECISIONS = 1000;

/** Whoever a rule names, in every repository that one of its globs matches, may do what its bits say. */
interface Grant {
  readonly glob: NameGlob;
  readonly bits: number;
}

/**
 * Reads the rules, once; throws CONFIG_INVALID. The rights of all rules that name a user, by his name, by
 * one of his groups or by `*`, add up. What was decided about a user and a repository is remembered, so
 * that thousands of rules cost a request no more than one.
 */
export function compileRules({ anonymousPull, groups, rules }: RuleSettings): Rules {
  const everybody: Grant[] = [];
  const byName = new Map<string, Grant[]>();
  for (const glob of globs(anonymousPull, "anonymousPull")) everybody.push({ glob, bits: 1 });
  const unnamed = grantedTo([...everybody]);
  if (!rules) everybody.push({ glob: globs(["**"], "")[0] as NameGlob, bits: EVERYTHING });

  for (const [index, rule] of (rules ?? []).entries()) {
    if (rule.users.length + rule.groups.length === 0) throw namesNobody(index);
    const bits = rule.allow.reduce((sum, action) => sum | BITS[action], 0);
    const grants = globs(rule.repositories, `rules.${index}`).map((glob) => ({ glob, bits }));
    const members = rule.groups.flatMap((group) => membersOf(group, groups, index));
    for (const name of new Set([...rule.users, ...members])) {
      const list = name === "*" ? everybody : (byName.get(name) ?? []);
      list.push(...grants);
      if (name !== "*") byName.set(name, list);
    }
  }

  const callers = new Bounded<Caller>(MOST_CALLERS);
  return {
    anonymous: caller(null, unnamed),
    user(name) {
      const known = callers.get(name);
      if (known) return known;
      const made = caller(name, grantedTo([...everybody, ...(byName.get(name) ?? [])]));
      callers.set(name, made);
      return made;
    },
  };
}

/** What somebody may do: in one repository, and in every one there can be. */
interface Granted {
  inside(name: RepositoryName): number;
  readonly everywhere: number;
}

/**
 * Globs without a wildcard are looked up, and those that begin with a whole part by that part: of thousands
 * few are tried.
 */
function grantedTo(grants: readonly Grant[]): Granted {
  const exact = new Map<string, number>();
  const byPart = new Map<string, Grant[]>();
  const wild: Grant[] = [];
  let everywhere = 0;
  for (const grant of grants) {
    const { glob, bits } = grant;
    if (glob.text === "**") everywhere |= bits;
    else if (!glob.text.includes("*")) exact.set(glob.text, (exact.get(glob.text) ?? 0) | bits);
    else if (!glob.prefix.includes("/")) wild.push(grant);
    else {
      const part = firstPart(glob.text);
      const some = byPart.get(part) ?? [];
      some.push(grant);
      byPart.set(part, some);
    }
  }
  return {
    everywhere,
    inside(name) {
      let sum = everywhere | (exact.get(name) ?? 0);
      for (const some of [wild, byPart.get(firstPart(name)) ?? []]) {
        for (const { glob, bits } of some) {
          // What he has already need not be found out again.
          if ((sum | bits) !== sum && glob.matches(name)) sum |= bits;
        }
      }
      return sum;
    },
  };
}

function firstPart(text: string): string {
  const slash = text.indexOf("/");
  return slash < 0 ? text : text.slice(0, slash);
}

function caller(name: string | null, granted: Granted): Caller {
  const decisions = new Bounded<number>(MOST_DECISIONS);
  const bitsFor = (repository: RepositoryName): number => {
    const known = decisions.get(repository);
    if (known !== undefined) return known;
    const found = granted.inside(repository);
    decisions.set(repository, found);
    return found;
  };
  return {
    name,
    may(action, repository) {
      const bit = BITS[action];
      return (granted.everywhere & bit) !== 0 || (bitsFor(repository) & bit) !== 0;
    },
    mayEverywhere: (action) => (granted.everywhere & BITS[action]) !== 0,
  };
}

function globs(texts: readonly string[], where: string): NameGlob[] {
  return texts.map((text) => {
    const glob = parseNameGlob(text);
    if (!("reason" in glob)) return glob;
    const reason = `auth.${where}: ${JSON.stringify(text)} is no glob of repositories: ${glob.reason}`;
    throw new RegistryError("CONFIG_INVALID", { reason });
  });
}

function membersOf(
  group: string,
  groups: RuleSettings["groups"],
  index: number,
): readonly string[] {
  const members = Object.hasOwn(groups, group) ? groups[group] : undefined;
  if (members) return members;
  const reason = `auth.rules.${index}: there is no group ${JSON.stringify(group)}`;
  throw new RegistryError("CONFIG_INVALID", { reason });
}

function namesNobody(index: number): RegistryError {
  const reason =
    `auth.rules.${index}: it names nobody; say users or groups, ` +
    'or users: ["*"] for everybody who can log in';
  return new RegistryError("CONFIG_INVALID", { reason });
}
