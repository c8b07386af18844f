/**
 * Maps in order with at most `most` pieces of work at once. The first error ends it; what is under way
 * then is left to end by itself.
 */
export async function* inParallel<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  most: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  for await (const item of items) {
    const result = work(item);
    // Awaited below, in order; until then a failure is not an unhandled one.
    result.catch(() => {});
    running.push(result);
    const oldest = running.length >= most ? running.shift() : undefined;
    if (oldest) yield await oldest;
  }
  for (const result of running) yield await result;
}
