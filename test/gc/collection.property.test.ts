import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { courses, play } from "./support/random-course.ts";

setDefaultTimeout(240_000);

/**
 * Random courses of pushes, deletes, mounts, collections, restarts and crashes (kills and power cuts at any
 * call that changes the disk, at any commit), some of them at the same time. `npm run gc:random` plays more.
 */
test("nothing that lives is ever missing, and in the end nothing dead is left, whatever happens", async () => {
  const seed = Number(process.env["GC_SEED"] ?? Date.now() % 2 ** 31);
  await fc.assert(
    fc.asyncProperty(courses, async (course) => {
      expect(await play(course)).toEqual([]);
    }),
    { seed, numRuns: Number(process.env["GC_RUNS"] ?? 60), endOnFailure: false },
  );
});
