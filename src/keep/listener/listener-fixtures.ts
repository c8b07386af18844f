import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { schema } from "../../config/schema.ts";
import { Health } from "../../observe/health.ts";
import { pullRule } from "../../registry/pull-rules.ts";
import { Inbox } from "../inbox.ts";
import { Keepers } from "../keepers.ts";
import type { EndedRun } from "../keeper-status.ts";
import { createKeepMetrics } from "../metrics.ts";
import { openKeepState } from "../state.ts";
import type { WorkDone } from "../work.ts";
import { KeepGate } from "./gate.ts";
import type { Answered } from "./parts.ts";
import { startListener } from "./server.ts";

const NOTHING: WorkDone = {
  outcome: "done",
  reason: null,
  tags: 0,
  manifests: 0,
  bytes: 0,
  kept: 0,
  document: null,
};

/** A listener on a free port, whose runs go on until they are let go. Settings as in a wharf.yaml. */
export function listenerWorld(settings: Readonly<Record<string, unknown>>) {
  const config = schema.parse(settings);
  const folder = mkdtempSync(join(tmpdir(), "wharf-test-"));
  const state = openKeepState(folder);
  const begun: string[] = [];
  const ended: EndedRun[] = [];
  const answered: (Answered & { error: unknown })[] = [];
  const going: (() => void)[] = [];
  const metrics = createKeepMetrics();
  const health = new Health({ interval: 0 });
  const keepers = new Keepers({
    jobs: state.jobs,
    events: {
      asked() {},
      began() {},
      ended(run) {
        ended.push(run);
        metrics.ended(run);
      },
      trouble(_, error) {
        throw error;
      },
    },
    work: ({ name }) => {
      const work = (kind: string) => async () => {
        begun.push(`${kind} ${name}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        going.push(resolve);
        await promise;
        return NOTHING;
      };
      return { prune: work("prune"), collect: work("collect") };
    },
    now: Date.now,
  });
  metrics.watch({ statuses: () => keepers.statuses(), forgotten: () => state.times.dropped });
  const server = startListener(
    { hostname: "127.0.0.1", port: 0 },
    {
      keepers,
      inbox: new Inbox({
        keepers,
        times: state.times,
        listening: state.listening,
        believed: () => true,
        counts: () => pullRule(config.pulls.heads, config.pulls.ignore),
        heard: (what) => metrics.heard(what),
        now: Date.now,
      }),
      gate: new KeepGate(
        () => config.keep,
        () => performance.now(),
      ),
      health,
      metrics: async () => ({
        text: await metrics.registry.metrics(),
        contentType: metrics.registry.contentType,
      }),
      answered: (what, error) => void answered.push({ ...what, error }),
    },
  );
  health.start([{ name: "state", run: async () => state.probe() }]);
  keepers.follow(config.registries);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    state,
    keepers,
    health,
    begun,
    ended,
    answered,
    ask: async (method: string, path: string, more: RequestInit = {}) => {
      const reply = await fetch(url + path, { method, ...more });
      return { status: reply.status, text: await reply.text(), headers: reply.headers };
    },
    /** Lets the runs that go on end. */
    async letGo() {
      for (const end of going.splice(0)) end();
      await Bun.sleep(1);
    },
    async [Symbol.asyncDispose]() {
      const stopped = keepers.stop(true);
      for (const end of going.splice(0)) end();
      await stopped;
      await server.stop();
      state.close();
      rmSync(folder, { recursive: true });
    },
  };
}
