import fc from "fast-check";
import { courses, play } from "./support/random-course.ts";

/**
 * `npm run gc:random -- --minutes N [--seed S]`: plays random courses of pushes, deletes, mounts,
 * collections, restarts and crashes against the model for so long. The first that loses or leaves something
 * is made as short as possible, printed, and ends it with 1.
 */
const minutes = Number(argument("minutes") ?? 10);
const end = performance.now() + minutes * 60_000;
let seed = Number(argument("seed") ?? Date.now() % 2 ** 31);
let played = 0;
while (performance.now() < end) {
  const details = await fc.check(
    fc.asyncProperty(courses, async (course) => {
      const wrong = await play(course);
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
    }),
    { seed, numRuns: 100 },
  );
  played += details.numRuns;
  if (details.failed) {
    console.log(fc.defaultReportMessage(details), details.errorInstance);
    process.exit(1);
  }
  seed++;
}
console.log(`${played} courses played, nothing lost, nothing left`);

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
}
