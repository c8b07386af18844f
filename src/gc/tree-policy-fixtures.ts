import type { TreePolicy } from "./tree-look.ts";

/** Nothing is young, protected or waits: all garbage goes. */
export function takeAll(): TreePolicy {
  const later = Date.now() + 1000;
  return {
    now: later,
    seenBefore: later,
    remainsBefore: later,
    untaggedBefore: later,
    protectedDigests: [],
    waitingUntil: null,
    removeEmpty: true,
  };
}
