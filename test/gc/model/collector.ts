import { drop, has, make, move, sync } from "./disk.ts";
import type { Protocol } from "./protocol.ts";
import { REPOSITORIES, type State, atRest, linked, unlink } from "./state.ts";

/** One step of the collector: the name of what it did, or null when it must wait or has nothing to do. */
export function collectorStep(state: State, protocol: Protocol): string | null {
  const me = state.collector;
  switch (me.at) {
    case "rest":
      if (state.left.runs === 0) return null;
      state.left.runs--;
      for (const name of REPOSITORIES) {
        const due =
          state.links[name] === "old" || (!protocol.grace && state.links[name] !== "none");
        if (due && !state.needed[name]) unlink(state, name);
      }
      me.drained = state.entries;
      me.at = protocol.drain ? "drain" : "claim";
      return "collect";
    case "drain":
      if (state.journal.some(({ id }) => id <= me.drained)) return null;
      me.at = "claim";
      return "drained";
    case "claim":
      if (protocol.custody && state.coming > 0) {
        me.at = "rest";
        return "claim nothing: it is coming";
      }
      state.claiming = protocol.claimsExcludePushes;
      me.at = "commit claim";
      return "ask for a claim";
    case "commit claim":
      me.at = "hear of claim";
      if (state.row !== "doomed") return "claim nothing";
      if (protocol.claimsSpareJournal && (state.contents > 0 || state.journal.length > 0)) {
        return "claim nothing: the journal has it";
      }
      state.row = "leaving";
      state.claim = ++state.removals;
      state.trash.push(state.claim);
      return "claim";
    case "hear of claim":
      state.claiming = false;
      if (state.row === "leaving") state.leaving = true;
      me.at = state.row === "leaving" ? "move" : "rest";
      return "hear of the claim";
    case "move":
      me.moved = has(state.disk, "place");
      if (me.moved) move(state.disk, "place", `trash ${state.claim}`);
      me.at = protocol.syncBeforeSettling ? "sync" : "settle";
      return "rename into the trash";
    case "sync":
      sync(state.disk, "place", `trash ${state.claim}`);
      me.at = "settle";
      return "sync both folders";
    case "settle": {
      const wanted = linked(state);
      me.at = wanted ? "return" : "let go";
      // What is wanted stays claimed until its file is back: then a start still finds it.
      if (!wanted || !protocol.claimedUntilBack) endClaim(state, me.moved);
      return wanted ? "settle: it returns" : "settle: it is trashed";
    }
    case "return":
      bringBack(state, state.removals);
      me.at = protocol.claimedUntilBack ? "end claim" : "let go";
      return "move it back";
    case "end claim":
      endClaim(state, false);
      me.at = "let go";
      return "settle again: it is back";
    default:
      state.leaving = false;
      Object.assign(me, atRest().collector);
      return "let go";
  }
}

/** The transaction that ends a claim. `moved`: its bytes are in the trash. */
export function endClaim(state: State, moved: boolean): void {
  const wanted = linked(state);
  if (wanted || !moved) forgetTrash(state, state.claim);
  state.row = wanted ? "live" : "none";
  state.claim = 0;
}

export function bringBack(state: State, id: number): void {
  const file = `trash ${id}`;
  if (!has(state.disk, file)) return;
  if (has(state.disk, "place")) drop(state.disk, file);
  else move(state.disk, file, "place");
  sync(state.disk, file, "place");
}

export function forgetTrash(state: State, id: number): void {
  state.trash = state.trash.filter((one) => one !== id);
}

/** As the follower's thread: reads the journal and the bytes, looks at the tree, writes, and only then forgets. */
export function followerStep(state: State): string | null {
  const me = state.follower;
  switch (me.at) {
    case "rest":
      if (state.journal.length === 0) return null;
      me.last = state.journal.at(-1)?.id ?? 0;
      me.at = "read";
      return "read the journal";
    case "read":
      me.content = state.contents > 0 || (state.own && batch(state).has("own link"));
      me.at = "look";
      return "read the bytes";
    case "look":
      me.skip = has(state.disk, "place");
      me.at = "write";
      return me.skip ? "see the bytes in the tree" : "miss the bytes in the tree";
    case "write":
      writeBatch(state, me.content && !me.skip);
      me.at = "retire";
      return "write and sync";
    default:
      retire(state, me.last);
      Object.assign(me, atRest().follower);
      return "retire";
  }
}

/** What a run of entries comes to. */
function batch(state: State): Set<string> {
  const last = new Map<string, string>();
  for (const { id, op, where } of state.journal) {
    if (id <= state.follower.last || state.starting) last.set(where, op);
  }
  return new Set([...last].map(([where, op]) => `${where} ${op}`));
}

export function writeBatch(state: State, bytes: boolean): void {
  const what = batch(state);
  for (const one of what) {
    const [where = "", op] = one.split(" ");
    // A manifest that is removed since is not written: the entry that says so comes later.
    if (op === "unlink") drop(state.disk, `tree ${where}`);
    else if (where !== "own" || state.own) {
      if (bytes) make(state.disk, "place");
      make(state.disk, `tree ${where}`);
    }
  }
  sync(state.disk);
}

export function retire(state: State, last: number): void {
  state.journal = state.journal.filter(({ id }) => id > last);
  if (state.contents <= last) state.contents = 0;
}
