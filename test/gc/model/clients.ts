import { forgetTrash } from "./collector.ts";
import { drop, has, make, move, sync } from "./disk.ts";
import type { Protocol } from "./protocol.ts";
import {
  type Client,
  type Repository,
  type State,
  doomIfUnlinked,
  journal,
  link,
  unlink,
} from "./state.ts";

/**
 * One step of a client, by its name: `push a`, `push small a`, `head a`, `mount b`, `delete a`,
 * `put own`, `delete own`, `restore a`, `purge`. Null: it must wait, or has come to its end.
 */
export function clientStep(state: State, name: string, protocol: Protocol): string | null {
  const me = state.clients[name];
  if (!me || me.at === "end") return null;
  const words = name.split(" ");
  const where = words.at(-1) === "b" ? "b" : "a";
  if (me.at === "promised") return putManifest(state, me, where);
  const done = KINDS[words.slice(0, -1).join(" ") || name]?.(state, me, where, protocol) ?? null;
  return done === null ? null : `${name}: ${done}`;
}

export function repositoryOf(client: string): Repository {
  return client.endsWith(" b") ? "b" : "a";
}

type Steps = (state: State, me: Client, where: Repository, protocol: Protocol) => string | null;

const KINDS: Record<string, Steps> = {
  push(state, me, where, protocol) {
    switch (me.at) {
      case "begin":
        return takeIntoCustody(state, me, protocol, "rename");
      case "rename":
        make(state.disk, "place");
        me.at = "sync";
        return "rename the bytes into place";
      case "sync":
        sync(state.disk, "place");
        me.at = "link";
        return "sync the folders";
      case "link":
        link(state, where);
        me.at = "answer";
        return "link";
      default:
        return endCustody(state, me, protocol);
    }
  },

  "push small"(state, me, where, protocol) {
    if (me.at === "begin") return takeIntoCustody(state, me, protocol, "link");
    if (me.at === "link") {
      link(state, where);
      state.contents = journal(state, "link", where);
      me.at = "answer";
      return "link, with the bytes";
    }
    return endCustody(state, me, protocol);
  },

  head(state, me, where, protocol) {
    const here = state.links[where] !== "none";
    switch (me.at) {
      case "begin":
        me.at = here ? "look" : "end";
        return here ? "find" : "find nothing";
      case "look":
        if (!hasBytes(state)) me.at = "end";
        else me.at = protocol.seesBeforeAnswering ? "see" : "answer";
        return "look at the bytes";
      case "see":
        me.at = here ? "answer" : "end";
        if (here) state.links[where] = "young";
        return here ? "see" : "see that it is gone";
      default:
        return promise(me);
    }
  },

  mount(state, me, where) {
    const from = where === "a" ? "b" : "a";
    const here = state.links[from] !== "none";
    switch (me.at) {
      case "begin":
        me.at = here ? "look" : "end";
        return here ? "find" : "find nothing";
      case "look":
        me.at = hasBytes(state) ? "mount" : "end";
        return "look at the bytes";
      case "mount":
        me.at = here ? "answer" : "end";
        if (here) link(state, where);
        return here ? "mount" : "mount nothing";
      default:
        return promise(me);
    }
  },

  delete(state, me, where) {
    const others = Object.entries(state.clients).filter(([name]) => repositoryOf(name) === where);
    // What is deleted under somebody's hands is no promise of ours that breaks.
    if (others.some(([, { at }]) => at === "answer")) return null;
    me.at = "end";
    if (state.links[where] === "none" || state.needed[where]) return "delete nothing";
    unlink(state, where);
    for (const [, client] of others) client.promised = false;
    return "delete the link";
  },

  "put own"(state, me) {
    me.at = "end";
    state.own = true;
    if (state.row !== "leaving") state.row = "live";
    journal(state, "link", "own");
    return "put a manifest of the same bytes";
  },

  "delete own"(state, me) {
    me.at = "end";
    if (!state.own) return "delete nothing";
    state.own = false;
    journal(state, "unlink", "own");
    doomIfUnlinked(state);
    return "delete the manifest";
  },

  restore(state, me, where, protocol) {
    switch (me.at) {
      case "begin": {
        const id = state.trash.find((one) => one !== state.claim);
        if (id === undefined) return null;
        me.id = id;
        return takeIntoCustody(state, me, protocol, "move");
      }
      case "move": {
        const file = `trash ${me.id}`;
        // A file in place is not enough: a push may have put it there a moment ago, and not synced it yet.
        const trusted = protocol.restoresOver ? state.row === "live" : has(state.disk, "place");
        me.at = trusted || has(state.disk, file) ? "link" : "end";
        if (!trusted && has(state.disk, file)) {
          move(state.disk, file, "place");
          sync(state.disk, file, "place");
        }
        if (me.at === "end" && protocol.custody) state.coming--;
        return "move the bytes back";
      }
      case "link":
        link(state, where);
        me.at = "forget";
        return "link";
      case "forget":
        drop(state.disk, `trash ${me.id}`);
        forgetTrash(state, me.id);
        me.at = "answer";
        return "forget the row";
      default:
        return endCustody(state, me, protocol);
    }
  },

  purge(state, me) {
    if (me.at === "begin") {
      const id = state.trash.find((one) => one !== state.claim);
      if (id === undefined) return null;
      me.id = id;
      me.at = "forget";
      drop(state.disk, `trash ${id}`);
      return "delete the file";
    }
    forgetTrash(state, me.id);
    me.at = "end";
    return "forget the row";
  },
};

/** What a push or a restore waits for: the end of the batch with this blob, never the end of a collection. */
function takeIntoCustody(
  state: State,
  me: Client,
  { custody }: Protocol,
  next: string,
): string | null {
  if (custody && (state.leaving || state.claiming)) return null;
  if (custody) state.coming++;
  me.at = next;
  return "begin";
}

function endCustody(state: State, me: Client, { custody }: Protocol): string {
  if (custody) state.coming--;
  return promise(me);
}

function promise(me: Client): string {
  me.at = "promised";
  me.promised = true;
  return "answer that it is here";
}

/** Refused only to those who were told nothing, or long ago. */
function putManifest(state: State, me: Client, where: Repository): string {
  me.at = "end";
  if (state.links[where] !== "none") state.needed[where] = true;
  else if (me.promised) state.broken = "a manifest was refused for want of what was promised";
  me.promised = false;
  return `put a manifest in ${where} that names it`;
}

export function hasBytes(state: State): boolean {
  return state.contents > 0 || has(state.disk, "place");
}
