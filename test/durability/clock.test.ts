import { expect, setDefaultTimeout, test } from "bun:test";
import { image } from "../support/image.ts";
import { randomBytes } from "../support/oci.ts";
import { notServed } from "../support/pull.ts";
import { locationOf, startUpload } from "../support/push.ts";
import { eventually } from "../support/eventually.ts";
import { startRegistry } from "../protocol/support/registry.ts";

setDefaultTimeout(60_000);

const YEAR = 365 * 24 * 3600 * 1000;

for (const [name, jump] of [
  ["forward", YEAR],
  ["back", -YEAR],
] as const) {
  test(`a clock that jumps a year ${name} takes nothing that was acknowledged, also over a restart`, async () => {
    let ahead = 0;
    await using registry = await startRegistry({ now: () => Date.now() + ahead });
    const before = image({ layers: 1, size: 30_000 });
    await before.push(registry.url, "team/app", "v1");
    const session = await startUpload(registry.url, "team/app");
    const bytes = randomBytes(30_000);
    const patched = await fetch(session, { method: "PATCH", body: bytes });
    expect(patched.status).toBe(202);

    ahead = jump;
    const after = image({ layers: 1, size: 30_000 });
    await after.push(registry.url, "team/app", "v2");
    // Unfinished uploads live for a week of that clock. One that jumps on ends them, nothing else.
    const status = async (): Promise<number> =>
      (await fetch(locationOf(patched, registry.url))).status;
    const expected = jump > 0 ? 404 : 204;
    expect(await eventually(status, (found) => found === expected)).toBe(expected);

    await registry.restart();
    expect(await notServed(registry.url, "team/app", "v1", before)).toEqual([]);
    expect(await notServed(registry.url, "team/app", "v2", after)).toEqual([]);
  });
}
