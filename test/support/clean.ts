import { expect } from "bun:test";
import { type CheckOptions, checkRegistry } from "../../src/gc/check.ts";
import type { Checked, Finding } from "../../src/gc/finding.ts";
import { openCheckable } from "../../src/gc/open-checkable.ts";

/** All that a check of a data folder finds which no server has open, every byte read; and how much it looked at. */
export async function checkFolder(
  data: string,
  options: Partial<CheckOptions> = {},
): Promise<{ findings: Finding[]; checked: Checked }> {
  await using open = await openCheckable(data);
  const findings: Finding[] = [];
  const all = { verifyBytes: true, sparse: false, settle: null, ...options };
  for await (const event of checkRegistry(open.what, all)) {
    if ("finding" in event) findings.push(event.finding);
    else if ("done" in event) return { findings, checked: event.done };
  }
  throw new Error("the check has no end");
}

/** After whatever was done to it, a data folder that nobody has open is as it should be. */
export async function expectClean(
  data: string,
  options: Partial<CheckOptions> = {},
): Promise<Checked> {
  const { findings, checked } = await checkFolder(data, options);
  expect(findings).toEqual([]);
  return checked;
}

/** The same of a server that runs: it is asked to check itself. */
export async function expectCleanServer(url: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/check?verifyBytes=true`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.filter((event) => "finding" in event)).toEqual([]);
  expect(events.at(-1)).toContainKey("done");
}
