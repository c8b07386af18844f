import fc from "fast-check";
import { append, bytes } from "./contract-support.ts";
import type { Storage } from "./storage.ts";

/** Objects and folders of the layout have names that never meet: no path leads through an object. */
const path = fc.constantFrom("a/x", "a/y", "a/f/x", "a/f/g/x", "b/x");

const step = fc.oneof(
  fc.record({ do: fc.constant("write" as const), path, text: fc.string() }),
  fc.record({ do: fc.constant("append" as const), path, text: fc.string(), offset: fc.nat(9) }),
  fc.record({ do: fc.constant("move" as const), path, to: path }),
  fc.record({
    do: fc.constant("delete" as const),
    path: fc.oneof(path, fc.constantFrom("a", "a/f")),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A few changes, one after the other. */
export const steps = fc.array(step, { maxLength: 25 });

/** The same step, in the storage and in a map. */
export async function take(
  each: Step,
  storage: Storage,
  model: Map<string, string>,
): Promise<void> {
  const before = model.get(each.path);
  switch (each.do) {
    case "write":
      await storage.write([{ path: each.path, bytes: bytes(each.text) }]);
      model.set(each.path, each.text);
      return;
    case "append": {
      const offset = Math.min(each.offset, before?.length ?? 0);
      await append(storage, each.path, offset, bytes(each.text));
      model.set(each.path, (before ?? "").slice(0, offset) + each.text);
      return;
    }
    case "move":
      if (before === undefined) return;
      await storage.move(each.path, each.to);
      model.delete(each.path);
      model.set(each.to, before);
      return;
    case "delete":
      await storage.delete(each.path);
      for (const key of model.keys()) {
        if (key === each.path || key.startsWith(`${each.path}/`)) model.delete(key);
      }
  }
}
