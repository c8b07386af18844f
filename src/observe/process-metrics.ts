import { readFile, readdir } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

/** How often the loop is looked at. */
const RESOLUTION_MS = 20;

/**
 * What is worth knowing of the process, under the names that dashboards know. The library's own set has
 * much that means nothing on this runtime: heap spaces, kinds of collections, active handles.
 */
export function registerProcess(registry: Registry): void {
  const registers = [registry];
  const started = Date.now() / 1000 - process.uptime();
  void new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time of the process, user and system",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  void new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is resident",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  void new Gauge({
    name: "process_start_time_seconds",
    help: "When the process was started, in Unix time",
    registers,
    collect() {
      this.set(started);
    },
  });
  void new Gauge({
    name: "process_open_fds",
    help: "Open file descriptors, connections included",
    registers,
    async collect() {
      const open = await readdir("/proc/self/fd").catch(() => null);
      if (open) this.set(open.length);
      else this.remove();
    },
  });
  void new Gauge({
    name: "process_max_fds",
    help: "How many file descriptors may be open",
    registers,
    async collect() {
      const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
      const most = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
      if (most === undefined) this.remove();
      else this.set(Number(most));
    },
  });
  registerDelay(registry);
}

/** Since the last time that it was asked. Two who ask share the time between them. */
function registerDelay(registry: Registry): void {
  let delay: ReturnType<typeof begin> | null = null;
  void new Gauge({
    name: "wharf_event_loop_delay_seconds",
    help: "Delay of the event loop since the last look: the median, the 99th percentile and the longest",
    labelNames: ["quantile"],
    registers: [registry],
    collect() {
      // Only where somebody asks at all: it wakes the process fifty times a second.
      delay ??= begin();
      // In this runtime the time between two looks is not part of it.
      const late = (nanoseconds: number): number => nanoseconds / 1e9;
      this.set({ quantile: "0.5" }, late(delay.percentile(50)));
      this.set({ quantile: "0.99" }, late(delay.percentile(99)));
      this.set({ quantile: "1" }, late(delay.max));
      delay.reset();
    },
  });
}

function begin() {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return delay;
}
