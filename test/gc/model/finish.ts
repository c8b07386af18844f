import { clientStep } from "./clients.ts";
import { collectorStep, followerStep } from "./collector.ts";
import { has } from "./disk.ts";
import { tick } from "./explore.ts";
import type { Protocol } from "./protocol.ts";
import { startStep } from "./start.ts";
import { REPOSITORIES, type State } from "./state.ts";

/**
 * Lets the registry come to rest: no client asks any more, the grace passes, collections run, the trash
 * is emptied. Says what is left that nobody needs, or gone that somebody does; null: all is well.
 */
export function finish(state: State, protocol: Protocol): string | null {
  while (state.starting !== null) startStep(state, protocol);
  state.clients = {};
  rest(state, protocol);
  for (let round = 0; round < 2; round++) {
    state.left.ticks = 1;
    tick(state);
    state.left.runs = 1;
    rest(state, protocol);
  }
  while (state.trash.length > 0) {
    state.clients = { purge: { at: "begin", promised: false, id: 0 } };
    while (clientStep(state, "purge", protocol) !== null);
  }
  return leftOver(state) ?? lost(state);
}

function rest(state: State, protocol: Protocol): void {
  for (let busy = true; busy;) {
    const follow = followerStep(state);
    const collect = collectorStep(state, protocol);
    busy = follow !== null || collect !== null;
  }
}

function leftOver(state: State): string | null {
  const { disk } = state;
  const trash = disk.seen.find((name) => name.startsWith("trash "));
  if (trash) return `in the end the file ${trash} is left, and no row knows it`;
  for (const name of REPOSITORIES) {
    if (!state.needed[name] && has(disk, `tree ${name}`))
      return `in the end a link of ${name} is left`;
  }
  if (state.own || REPOSITORIES.some((name) => state.needed[name])) return null;
  if (has(disk, "place")) return "in the end the file is left, and nobody needs it";
  return state.row === "none" ? null : `in the end a row is left that is ${state.row}`;
}

function lost(state: State): string | null {
  const needed = REPOSITORIES.filter((name) => state.needed[name]);
  if (needed.length === 0 && !state.own) return null;
  if (!has(state.disk, "place")) return "in the end the tree lacks bytes that are needed";
  if (state.row !== "live") return `in the end a row is ${state.row} although it is needed`;
  const gone = needed.find(
    (name) => state.links[name] === "none" || !has(state.disk, `tree ${name}`),
  );
  return gone ? `in the end the link of ${gone} is gone, and needed` : null;
}
