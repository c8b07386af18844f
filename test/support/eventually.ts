/** Asks until the answer is the expected one, or the time is up; returns the last answer. */
export async function eventually<T>(
  ask: () => Promise<T>,
  good: (answer: T) => boolean,
  patience = 10_000,
): Promise<T> {
  const deadline = performance.now() + patience;
  for (;;) {
    const answer = await ask();
    if (good(answer) || performance.now() > deadline) return answer;
    await Bun.sleep(50);
  }
}
