import { clientStep, hasBytes, repositoryOf } from "./clients.ts";
import { collectorStep, followerStep } from "./collector.ts";
import { afterPowerCut, has } from "./disk.ts";
import { finish } from "./finish.ts";
import type { Protocol } from "./protocol.ts";
import { crash, startStep } from "./start.ts";
import { REPOSITORIES, type State, linked } from "./state.ts";

export interface Explored {
  /** States that differ. */
  readonly states: number;
  /** The first promise that is broken, and the steps that lead there; null when all are kept. */
  readonly broken: { readonly promise: string; readonly steps: readonly string[] } | null;
}

/** When promises are asked for: `in the end`: a moment without bytes is allowed if they come back. */
export type When = "always" | "in the end";

/** Walks through every order in which the steps of everybody can come, the shortest first. */
export function explore(begin: State, protocol: Protocol, when: When = "always"): Explored {
  /** By its text: the state from which it came first, and by what. */
  const from = new Map<string, { readonly parent: string | null; readonly step: string }>();
  const stepsTo = (key: string | null): string[] => {
    const steps: string[] = [];
    for (let at = key; at !== null;) {
      const one = from.get(at);
      if (!one) break;
      if (one.step !== "") steps.unshift(one.step);
      at = one.parent;
    }
    return steps;
  };
  const first = JSON.stringify(begin);
  from.set(first, { parent: null, step: "" });
  let frontier = [first];
  while (frontier.length > 0) {
    const next: string[] = [];
    for (const key of frontier) {
      const state = JSON.parse(key) as State;
      const promise =
        (when === "always" ? brokenNow(state) : null) ?? brokenInTheEnd(state, protocol);
      if (promise) return { states: from.size, broken: { promise, steps: stepsTo(key) } };
      for (const [step, successor] of successors(key, protocol)) {
        const text = JSON.stringify(successor);
        if (from.has(text)) continue;
        from.set(text, { parent: key, step });
        next.push(text);
      }
    }
    frontier = next;
  }
  return { states: from.size, broken: null };
}

function* successors(key: string, protocol: Protocol): Iterable<[string, State]> {
  const copy = (): State => JSON.parse(key) as State;
  const begin = copy();
  if (begin.left.crashes > 0) {
    const killed = copy();
    crash(killed, protocol);
    yield ["the process is killed", killed];
    for (const disk of afterPowerCut(begin.disk)) {
      const cut = copy();
      crash(cut, protocol);
      cut.disk = disk;
      yield [`the power is cut, and leaves ${disk.seen.join(", ")}`, cut];
    }
  }
  if (begin.starting !== null) {
    const state = copy();
    yield [startStep(state, protocol), state];
    return;
  }
  const actors: ((state: State) => string | null)[] = [
    (state) => collectorStep(state, protocol),
    followerStep,
    tick,
    ...Object.keys(begin.clients).map(
      (name) => (state: State) => clientStep(state, name, protocol),
    ),
  ];
  for (const actor of actors) {
    const state = copy();
    const step = actor(state);
    if (step !== null) yield [step, state];
  }
}

/** A grace and its quarter pass. No request lasts for a quarter: who is about to answer comes before. */
export function tick(state: State): string | null {
  const answering = Object.values(state.clients).some(({ at }) =>
    ["forget", "answer"].includes(at),
  );
  if (state.left.ticks === 0 || answering) return null;
  state.left.ticks--;
  for (const name of REPOSITORIES) if (state.links[name] === "young") state.links[name] = "old";
  for (const client of Object.values(state.clients)) client.promised = false;
  return "the grace passes";
}

function brokenNow(state: State): string | null {
  if (state.broken !== null || state.starting !== null) return state.broken;
  const named = state.disk.seen.some((name) => name.startsWith("tree "));
  if (named && state.row === "leaving" && !linked(state) && !has(state.disk, "place")) {
    return "the tree names bytes that are gone: another program would serve it so";
  }
  for (const name of REPOSITORIES) {
    const told = Object.entries(state.clients).some(
      ([client, { promised }]) => promised && repositoryOf(client) === name,
    );
    if (!state.needed[name] && !told) continue;
    const who = state.needed[name] ? `a manifest of ${name} needs it` : `${name} has promised it`;
    if (state.links[name] === "none") return `${who}, and it is not linked`;
    if (!hasBytes(state)) return `${who}, and its bytes are gone`;
  }
  return null;
}

/** Asked where no request is under way: if nothing more happened, would all end well? */
function brokenInTheEnd(state: State, protocol: Protocol): string | null {
  const idle = Object.values(state.clients).every(({ at }) =>
    ["begin", "promised", "end"].includes(at),
  );
  return idle ? finish(structuredClone(state), protocol) : null;
}
