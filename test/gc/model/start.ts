import { bringBack, endClaim, retire, writeBatch } from "./collector.ts";
import { drop, has, move, sync } from "./disk.ts";
import type { Protocol } from "./protocol.ts";
import { REPOSITORIES, type State, atRest, doomIfUnlinked, journal, linked } from "./state.ts";

/** The process is gone, and all that it held in memory. Who was told something still knows it. */
export function crash(state: State, protocol: Protocol): void {
  state.left.crashes--;
  state.coming = 0;
  state.claiming = false;
  state.leaving = false;
  Object.assign(state, atRest());
  for (const client of Object.values(state.clients)) {
    if (client.at !== "promised" && client.at !== "begin") client.at = "end";
  }
  state.starting = orderOf(protocol)[0] ?? null;
}

function orderOf({ claimsBeforeJournal }: Protocol): string[] {
  const claims = ["look at claims", "end claims"];
  const entries = ["replay the journal", "retire the journal"];
  const first = claimsBeforeJournal ? [...claims, ...entries] : [...entries, ...claims];
  return [...first, "compare", "sweep the trash"];
}

/** One step of a start; each may be the last before another crash. */
export function startStep(state: State, protocol: Protocol): string {
  const step = state.starting ?? "";
  STEPS[step]?.(state, protocol);
  const order = orderOf(protocol);
  state.starting = order[order.indexOf(step) + 1] ?? null;
  return `start: ${step}`;
}

const STEPS: Record<string, (state: State, protocol: Protocol) => void> = {
  "look at claims": (state, protocol) => {
    if (state.row !== "leaving") return;
    const { disk } = state;
    const file = `trash ${state.claim}`;
    if (linked(state)) bringBack(state, state.claim);
    else if (has(disk, "place")) {
      if (!has(disk, file)) move(disk, "place", file);
      else if (protocol.oneName) drop(disk, "place");
      sync(disk, "place", file);
    }
  },
  "end claims": (state) => {
    if (state.row === "leaving") endClaim(state, has(state.disk, `trash ${state.claim}`));
  },
  "replay the journal": (state) => {
    if (state.journal.length === 0) return;
    const bytes = state.contents > 0 || state.own;
    // A link whose bytes are nowhere is left out: somebody else has removed them.
    if (!bytes && !has(state.disk, "place")) {
      state.journal = state.journal.filter(({ op }) => op === "unlink");
    }
    writeBatch(state, bytes);
  },
  "retire the journal": (state) => retire(state, state.entries),
  compare,
  "sweep the trash": (state, protocol) => {
    if (!protocol.sweepsTrash) return;
    for (const name of state.disk.seen.filter((one) => one.startsWith("trash "))) {
      if (!state.trash.includes(Number(name.slice(6)))) drop(state.disk, name);
    }
    sync(state.disk);
  },
};

/** What the tree shows is what there is: another program may have served it. */
function compare(state: State, protocol: Protocol): void {
  const { disk } = state;
  const place = has(disk, "place");
  for (const name of REPOSITORIES) {
    const there = has(disk, `tree ${name}`) && place;
    if (!there) state.links[name] = "none";
    else if (state.links[name] === "none") state.links[name] = "old";
  }
  if (state.own && !has(disk, "tree own")) state.own = false;
  if (state.own && !place) journal(state, "link", "own");
  if (linked(state) && state.row !== "leaving") state.row = "live";
  doomIfUnlinked(state);
  if (protocol.findsStrangers && place && state.row === "none") state.row = "doomed";
}
