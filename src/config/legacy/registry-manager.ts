import { Section } from "../distribution-section.ts";
import { exactly } from "./patterns.ts";
import { type Deleting, readDeletePolicy, type Rule } from "./registry-manager-delete.ts";
import { checkSyncPolicy } from "./registry-manager-sync.ts";
import { Draft, type Translation } from "./translation.ts";
import { address, nameUnused, registryName, truth, variableName } from "./values.ts";

/** The policy that all registries of the delete policy share. */
const GENERAL = "delete-policy";
const DELETING = {
  part: GENERAL,
  known: ["registries", "start", "dry-run", "mix-count", "sem-ver", "tags"].concat([
    "include",
    "exclude",
    "keys",
    "regex",
  ]),
};

interface Registry {
  readonly key: string;
  readonly section: Section;
  readonly settings: Readonly<Record<string, unknown>>;
  /** As they are listed, `repo` or `repo:tag`; none: what its catalog says. */
  readonly entries: readonly string[];
  /** Whether the delete policy is for it. */
  readonly pruned: boolean;
}

interface Policy {
  readonly name: string;
  readonly key: string;
  readonly repositories: readonly string[];
  readonly deletes: readonly Rule[];
  readonly keeps: readonly Rule[];
  readonly limits?: object;
  readonly remark: string | null;
}

/** Translates the config.yml of registry-manager, whose scalars are texts. Pure. */
export function translateRegistryManager(document: Readonly<Record<string, unknown>>): Translation {
  const draft = new Draft("registry-manager");
  const unused: string[] = [];
  const found = { faults: draft.faults, unused, needless: [], remarks: [] };
  const top = new Section(document, "", found);
  const section = top.section("registries");
  if (section.keys().length === 0) top.fault("registries", "must have at least one registry");
  const deleting = readDeletePolicy(top.section("delete-policy"), draft);
  const registries = section
    .keys()
    .map((key, index) => registryOf(key, index, section.section(key), deleting, draft));
  refuseUnknown(deleting, registries, draft);
  if (top.has("sync-policy")) {
    const names = registries.map(({ key }) => key.toLowerCase());
    checkSyncPolicy(top.section("sync-policy"), names, draft);
    draft.asides.push({ about: "sync-policy", value: document["sync-policy"] });
  }
  const direct = registries.map((one) => (one.pruned ? directPolicies(one, deleting) : []));
  const general = deleting.deletes.length > 0 ? [generalPolicy(deleting)] : [];
  // The first whose globs match applies: what names one repository comes before what names all.
  const policies = [...direct.flat(), ...general];
  top.nameRest(["registries", "delete-policy", "sync-policy"]);
  nameUnused(unused, DELETING, draft);
  return draft.translation({
    retention: policies.map((policy, index) => settingsOf(policy, `retention.${index}`, draft)),
    registries: registries.map((one, index) => ({
      ...one.settings,
      policies: one.pruned ? [...(direct[index] ?? []), ...general].map(({ name }) => name) : [],
      prune: {
        dryRun: draft.from("delete-policy.dry-run", `registries.${index}.prune`, deleting.dryRun),
      },
    })),
  });
}

function registryOf(
  key: string,
  index: number,
  section: Section,
  deleting: Deleting,
  draft: Draft,
): Registry {
  const path = `registries.${index}`;
  const url = section.text("registry");
  if (url === undefined) section.fault("registry", "must be set");
  const insecure = section.text("insecure");
  const all = section.texts("repositories");
  const pruned = deleting.registries.some((name) => name.toLowerCase() === key.toLowerCase());
  const { entries, skip } = started(all, index, section, pruned ? deleting.start : 0, draft);
  const names = [...new Set(entries.map((entry) => entry.split(":")[0] ?? ""))];
  const settings = {
    name: registryName(key),
    url: draft.from(
      section.at("registry"),
      `${path}.url`,
      url === undefined ? url : address(url, section.at("registry"), draft),
    ),
    ...credentials(key, path, section, draft),
    insecure: insecure === undefined ? undefined : truth(insecure, section.at("insecure"), draft),
    repositories: draft.from(
      section.at("repositories"),
      `${path}.repositories`,
      names.length > 0 ? names : undefined,
    ),
    skip,
  };
  return { key, section, settings, entries, pruned };
}

/** `start` counts in the list, or in the catalog, of each registry. */
function started(
  all: readonly string[],
  index: number,
  section: Section,
  start: number,
  draft: Draft,
): { readonly entries: readonly string[]; readonly skip: number | undefined } {
  if (start === 0) return { entries: all, skip: undefined };
  if (all.length === 0) {
    draft.remark(
      `registries.${index}.skip`,
      "delete-policy.start",
      "the first of its repositories by their names are left alone, as before. Take it away: a run that was " +
        "interrupted goes on by itself where it stood",
    );
    return { entries: all, skip: start };
  }
  if (start >= all.length) {
    section.fault("repositories", `delete-policy.start leaves out all ${all.length} of them`);
  }
  draft.remark(
    `registries.${index}.repositories`,
    "delete-policy.start",
    `without the first ${start}, as before: ${all.slice(0, start).join(", ")}. A run that was interrupted ` +
      "goes on by itself where it stood",
  );
  return { entries: all.slice(start), skip: undefined };
}

function credentials(key: string, path: string, section: Section, draft: Draft): object {
  const username = section.text("username");
  const password = section.text("password");
  if (username === undefined || password === undefined) {
    if (username === undefined && password === undefined) return {};
    section.fault(
      username === undefined ? "username" : "password",
      "must be set, as the other one is",
    );
    return {};
  }
  draft.from(section.at("password"), `${path}.password`, password);
  return { username, password: draft.secret(variableName(key, "password"), password) };
}

function refuseUnknown(deleting: Deleting, registries: readonly Registry[], draft: Draft): void {
  for (const [index, name] of deleting.registries.entries()) {
    if (registries.some(({ key }) => key.toLowerCase() === name.toLowerCase())) continue;
    draft.fault(`delete-policy.registries.${index}`, `registries has no ${JSON.stringify(name)}`);
  }
}

/** Of repositories of which single tags are listed: these go past every rule. */
function directPolicies({ key, section, entries }: Registry, deleting: Deleting): Policy[] {
  const tagged = Map.groupBy(
    entries.filter((entry) => entry.includes(":")),
    (entry) => entry.slice(0, entry.indexOf(":")),
  );
  return [...tagged].map(([repository, named]) => {
    const tags = named.map((entry) => exactly(entry.slice(entry.indexOf(":") + 1)));
    const from = section.at("repositories");
    const whole = entries.includes(repository);
    const rules = whole ? deleting : { deletes: [], keeps: [] };
    return {
      name: `${key} ${repository}`,
      key: from,
      repositories: [repository],
      deletes: [{ key: from, rule: { tags }, remark: null }, ...rules.deletes],
      keeps: rules.keeps.map((one) => ({ ...one, rule: { ...one.rule, except: tags } })),
      // Who names a tag knows what goes.
      ...(!whole && { limits: { emptyRepositories: true } }),
      remark:
        "these tags go past every rule, as was meant; the tool asked for a tag of a tag, and failed",
    };
  });
}

function generalPolicy({ deletes, keeps }: Deleting): Policy {
  return {
    name: GENERAL,
    key: GENERAL,
    repositories: ["**"],
    deletes,
    keeps,
    remark:
      "a digest goes only when all of its tags go; the tool deleted the other tags of it as well. A repository " +
      "that would lose every tag is kept, and reported",
  };
}

function settingsOf(policy: Policy, path: string, draft: Draft): Record<string, unknown> {
  const rules = (all: readonly Rule[], kind: string): unknown[] =>
    all.map(({ key, rule, remark }, index) => {
      const at = `${path}.${kind}.${index}`;
      draft.from(key, at, rule);
      if (remark !== null) draft.remark(at, key, remark);
      return rule;
    });
  draft.from(policy.key, path, policy);
  if (policy.remark !== null) draft.remark(path, policy.key, policy.remark);
  const { name, repositories, limits } = policy;
  const keep = rules(policy.keeps, "keep");
  return {
    name,
    repositories,
    delete: rules(policy.deletes, "delete"),
    ...(keep.length > 0 && { keep }),
    limits,
  };
}
