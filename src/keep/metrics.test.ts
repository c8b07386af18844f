import { expect, test } from "bun:test";
import { createKeepMetrics } from "./metrics.ts";

test("the metrics of wharf keep are all described in docs/keep.md, in their words and their order", async () => {
  const page = await Bun.file("docs/keep.md").text();
  const described = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.+) \|$/gm)].map(
    ([, name, type, help]) => ({ name, type, help }),
  );
  const all = await createKeepMetrics().registry.getMetricsAsJSON();
  const own = all.map(({ name, type, help }) => ({ name, type: String(type), help }));
  expect(described).toEqual(own.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
});
