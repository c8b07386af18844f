import type { Section } from "../distribution-section.ts";
import { found } from "./patterns.ts";
import type { Draft } from "./translation.ts";
import { truth, wholeNumber } from "./values.ts";

/**
 * Checks `sync-policy`, which is not for keeping and pruning: its errors shall be known now, and not on the day
 * when it is needed. Names are those of `registries`.
 */
export function checkSyncPolicy(sync: Section, names: readonly string[], draft: Draft): void {
  for (const key of ["from", "to"]) {
    const name = sync.text(key);
    if (name === undefined) sync.fault(key, "must be set");
    else if (!names.includes(name.toLowerCase())) {
      sync.fault(key, `registries has no ${JSON.stringify(name)}`);
    }
  }
  for (const key of ["dry-run", "force"]) {
    const text = sync.text(key);
    if (text !== undefined) truth(text, sync.at(key), draft);
  }
  const start = sync.text("start");
  if (start !== undefined) wholeNumber(start, sync.at("start"), draft);
  for (const [index, filter] of sync.texts("filters").entries()) {
    found(filter, `${sync.at("filters")}.${index}`, draft);
  }
  for (const rule of sync.sections("replace")) {
    rule.text("old");
    if (rule.text("new") === undefined) rule.fault("new", "must be set");
  }
  draft.remark(
    "",
    "sync-policy",
    "copying is the work of `wharf sync`, and nothing of it is done here; it stands at the end as it was",
  );
}
