import { defined } from "./distribution-auth.ts";
import type { Section } from "./distribution-section.ts";
import { EVENT_ACTIONS } from "./schema-notifications.ts";

const ACTIONS: readonly string[] = EVENT_ACTIONS;

export function translateNotifications(notifications: Section): Readonly<Record<string, unknown>> {
  const taken = new Set<string>();
  const endpoints = notifications.sections("endpoints").map((one, index) => {
    const endpoint = translateEndpoint(one);
    const name = unused(one.text("name") ?? `endpoint-${index}`, taken);
    taken.add(name);
    return { name, ...endpoint };
  });
  const references = notifications.section("events").flag("includereferences") ?? false;
  return { notifications: { endpoints, includeReferences: references } };
}

/** Names may stand twice in distribution; here each names a queue. */
function unused(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}-${number}`;
  return free;
}

/** With distribution's defaults, which are not ours. */
function translateEndpoint(endpoint: Section): Readonly<Record<string, unknown>> {
  const disabled = endpoint.flag("disabled") ?? false;
  if (!endpoint.has("url") && !disabled) endpoint.fault("url", "must be set");
  const headers = endpoint.section("headers");
  const ignore = endpoint.section("ignore");
  const actions = ignore.texts("actions");
  for (const action of actions.filter((one) => !ACTIONS.includes(one))) {
    endpoint.findings.remarks.push(
      `${ignore.at("actions")}: there is no action ${JSON.stringify(action)}`,
    );
  }
  return defined({
    url: endpoint.text("url") ?? (disabled ? "http://disabled.invalid/" : undefined),
    disabled,
    headers: Object.fromEntries(headers.keys().map((key) => [key, headers.texts(key)])),
    timeout: `${endpoint.duration("timeout") || 1000}ms`,
    backoff: `${endpoint.duration("backoff") || 1000}ms`,
    threshold: endpoint.count("threshold") || 10,
    // Its receivers have never seen two events at once.
    batch: 1,
    ignore: {
      mediaTypes: [...endpoint.texts("ignoredmediatypes"), ...ignore.texts("mediatypes")],
      actions: actions.filter((one) => ACTIONS.includes(one)),
    },
  });
}
