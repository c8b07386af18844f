import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Custody } from "../../src/registry/custody.ts";
import { type Event, type Step, play } from "./support/random-course.ts";

setDefaultTimeout(240_000);

const thorough = process.env["DURABILITY"] === "thorough";

const ALONE = { meanwhile: null, lag: 0, crash: null } as const;
/** As `support/random-course.ts` has them: a large and a small layer, and an image with a layer of each kind. */
const [SMALL, LARGE, IMAGE] = [0, 3, 2];

/** All of it lies in `a`, and nobody has asked for it for days. */
const OLD: readonly Event[] = [
  { step: { do: "push", to: 0, what: IMAGE, tag: null }, ...ALONE },
  { step: { do: "layer", to: 0, what: SMALL }, ...ALONE },
  { step: { do: "layer", to: 0, what: LARGE }, ...ALONE },
  { step: { do: "follow" }, ...ALONE },
  { step: { do: "pass", hours: 60 }, ...ALONE },
];

const STEPS: readonly [name: string, step: Step][] = [
  ["a large layer is pushed again", { do: "layer", to: 0, what: LARGE }],
  ["a large layer is pushed to another repository", { do: "layer", to: 1, what: LARGE }],
  ["a small layer is pushed again", { do: "layer", to: 0, what: SMALL }],
  ["a small layer is pushed to another repository", { do: "layer", to: 1, what: SMALL }],
  ["the image is pushed again", { do: "push", to: 0, what: IMAGE, tag: 0 }],
  ["the image is pushed to another repository", { do: "push", to: 1, what: IMAGE, tag: 0 }],
  ["a layer is mounted", { do: "mount", to: 2, what: LARGE }],
  ["the image is deleted", { do: "remove", to: 0, what: IMAGE }],
  ["a layer is deleted", { do: "unlink", to: 0, what: SMALL }],
  ["the tree follows", { do: "follow" }],
];

/** Moments are turns of the queue of promises: on a simulated disk, all that happens happens in one. */
const MOMENTS = 500;

function at(moment: number, step: Step): Event[] {
  return [...OLD, { step, meanwhile: "collect", lag: -moment, crash: null }];
}

describe("nothing that was acknowledged is lost, and nothing is left, when at any moment of a collection", () => {
  for (const [name, step] of STEPS) {
    test(name, async () => {
      const pace = thorough ? 1 : 11;
      const found: string[] = [];
      for (let moment = 0; moment < MOMENTS; moment += pace) {
        const wrong = await play(at(moment, step));
        found.push(...wrong.map((what) => `at ${moment}: ${what}`));
      }
      expect(found).toEqual([]);
    });
  }
});

test("these tests can fail: without custody, a push that meets a claim is noticed", async () => {
  class NoCustody extends Custody {
    override async coming<T>(_: unknown, work: () => Promise<T>): Promise<T> {
      return await work();
    }
  }
  const outcomes = new Set<string>();
  for (let moment = 0; moment < MOMENTS; moment += 2) {
    const course = at(moment, { do: "layer", to: 1, what: LARGE });
    const wrong = await play(course, { custody: new NoCustody() }).then(
      (found) => found.join(),
      (error: unknown) => (error as Error).message,
    );
    if (wrong !== "") outcomes.add(wrong);
  }
  expect(outcomes.size).toBeGreaterThan(0);
});
