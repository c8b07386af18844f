import { afterAll, beforeAll, setDefaultTimeout } from "bun:test";
import { OPEN_GATE, type Gate } from "../../../src/auth/gate.ts";
import type { Observer } from "../../../src/http/observer.ts";
import {
  startServer,
  type RunningServer,
  type ServerLimits,
  type ServerOptions,
} from "../../../src/http/server.ts";
import type { InUseRoots } from "../../../src/gc/in-use-roots.ts";
import { createLog } from "../../../src/observe/log.ts";
import { Collector, type CollectorSettings } from "../../../src/gc/collector.ts";
import type { Wish } from "../../../src/gc/collector-status.ts";
import type { PastRun } from "../../../src/gc/run-report.ts";
import { USUAL_GRACE_MS } from "../../../src/registry/promises.ts";
import { openRegistry, type OpenRegistry } from "../../../src/registry/open.ts";
import type { Rules } from "../../../src/registry/registry.ts";
import { expectCleanServer } from "../../support/clean.ts";
import { temporaryFolder, type Folder } from "../../support/folder.ts";
import { plainServer } from "../../support/plain-server.ts";
import { ask, type Answer, type Asked } from "./http.ts";

/** A registry with its HTTP server, in this process, on a folder of its own. */
export interface TestRegistry extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** The data folder. */
  readonly data: string;
  /** All that it warned of. */
  readonly warnings: readonly string[];
  /** What collects its garbage. Nothing does by itself, unless `collecting.enabled` says so. */
  readonly collector: Collector;
  /** What is open, below the server. */
  readonly opened: OpenRegistry;
  /** Collects, and tells what that came to. Throws when it did not begin. */
  collect(wish?: Wish): Promise<PastRun>;
  /** One request with `fetch`; the path begins with `/`. */
  ask(method: string, path: string, asked?: Asked): Promise<Answer>;
  /** Stops accepting, and waits for what runs. */
  stopServer(): Promise<void>;
  /** Server and registry end as on SIGTERM, and come back on the same folder; `url` changes. */
  restart(): Promise<void>;
}

export interface TestOptions extends Partial<Rules> {
  /** UTC milliseconds. */
  readonly now?: () => number;
  readonly publicUrl?: string;
  readonly gate?: Gate;
  readonly trustedProxies?: readonly string[];
  readonly observers?: readonly Observer[];
  readonly limits?: Partial<ServerLimits>;
  /** What lies in the data folder before it is opened. */
  readonly given?: (data: string) => Promise<void>;
  /** How garbage is collected; `grace` is said beside it, and then nothing waits for it after the start. */
  readonly collecting?: Partial<CollectorSettings>;
  /** What somebody runs. */
  readonly inUse?: () => Promise<InUseRoots | null>;
  /** The data folder; one of its own, unless it is said. */
  readonly data?: string;
  /** What else is configured of the server. */
  readonly server?: Partial<ServerOptions>;
}

/** At full speed, and only when somebody asks. */
const COLLECTING: CollectorSettings = {
  enabled: false,
  readOnly: false,
  grace: USUAL_GRACE_MS,
  untaggedAfter: 0,
  protectedDigests: [],
  emptyRepositories: true,
  pace: 1_000_000,
  timeZone: "UTC",
};

const HASTE = 1e9;

/** Milliseconds. */
const MOST_PATIENT = 5000;

const ROOMY: ServerLimits = { connections: 20_000, idle: 255_000, head: 60_000 };

export async function startRegistry(options: TestOptions = {}): Promise<TestRegistry> {
  const folder: Folder = await temporaryFolder();
  const warnings: string[] = [];
  const { now, publicUrl = "", gate = OPEN_GATE, observers = [], ...others } = options;
  const {
    limits,
    trustedProxies = [],
    server: more,
    collecting = {},
    given,
    inUse,
    ...rest
  } = others;
  const { data = folder.path, ...rules } = rest;
  await given?.(data);
  const different = {
    publicUrl,
    gate,
    trustedProxies,
    observers,
    ...(limits && { limits: { ...ROOMY, ...limits } }),
    ...more,
  };
  const open = (): Promise<OpenRegistry> =>
    openRegistry(
      data,
      { delete: true, sparse: false, maxManifestSize: 8 * 1024 * 1024, ...rules },
      {
        reading: () => undefined,
        read: () => undefined,
        info: () => undefined,
        warn: (_, message) => void warnings.push(message),
      },
      now,
    );
  const log = createLog({ level: "silent", format: "json" }, false);
  const gc = { ...COLLECTING, grace: rules.grace ?? COLLECTING.grace, ...collecting };
  const collectorOf = ({ registry, collecting: parts }: OpenRegistry): Collector =>
    new Collector({
      registry,
      ...parts,
      // No test waits for an hour of uptime when it says what the grace is.
      ...(rules.grace !== undefined && { uptime: () => performance.now() * HASTE }),
      settings: () => gc,
      ...(inUse && { inUse }),
      events: {
        ended: () => undefined,
        warn: (_, message) => void warnings.push(message),
      },
    });
  const serve = (opened: OpenRegistry): RunningServer => {
    const plain = plainServer(different);
    return startServer(
      opened.registry,
      { ...plain, operations: { ...plain.operations, collector } },
      log,
    );
  };

  let opened = await open();
  let collector = collectorOf(opened);
  collector.start();
  let server = serve(opened);
  const url = (): string => `http://127.0.0.1:${server.port}`;
  return {
    get url() {
      return url();
    },
    get port() {
      return server.port;
    },
    data,
    warnings,
    get collector() {
      return collector;
    },
    get opened() {
      return opened;
    },
    async collect(wish = {}) {
      await opened.collecting.compared;
      await collector.idle();
      let status = await collector.ask(wish);
      for (; status.state !== "idle"; status = await collector.status()) {
        const { obstacle } = status;
        if (obstacle && (obstacle.endsIn ?? MOST_PATIENT) >= MOST_PATIENT)
          throw new Error(obstacle.reason);
        await Bun.sleep(2);
      }
      const [run] = status.runs;
      if (!run) throw new Error("nothing was collected");
      return run;
    },
    ask: (method, path, asked) => ask(method, url() + path, asked),
    stopServer: () => server.stop(),
    async restart() {
      await server.stop();
      await collector.close();
      await opened.close();
      opened = await open();
      collector = collectorOf(opened);
      collector.start();
      server = serve(opened);
    },
    async [Symbol.asyncDispose]() {
      await server.abort();
      await collector.close();
      await opened.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** One registry for all tests of a file: started before the first, gone after the last. */
export function sharedRegistry(options: TestOptions = {}): TestRegistry {
  // On a machine that is busy with other things, a tenth of a second may become many.
  setDefaultTimeout(60_000);
  let started: TestRegistry | undefined;
  beforeAll(async () => {
    started = await startRegistry(options);
  });
  afterAll(async () => {
    // Whatever the tests did to it: all that its tags need is there.
    if (started && !options.gate) await expectCleanServer(started.url);
    await started?.[Symbol.asyncDispose]();
  });
  return new Proxy({} as TestRegistry, {
    get: (_, key) => {
      if (!started) throw new Error("the registry runs inside of tests only");
      return Reflect.get(started, key) as unknown;
    },
  });
}

let made = 0;

/** A repository nobody has used before. */
export function freshName(prefix = "fresh"): string {
  return `${prefix}/r${++made}`;
}
