import { Counter, Histogram, type MetricType, type Registry } from "prom-client";

/** What a request was, as the route table has it: never what a client made up. */
export interface RouteLabels {
  readonly method: string;
  readonly pattern: string;
}

/** Seconds from a request's arrival to the head of its answer. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 60];
const BUCKETS_MS = BUCKETS.map((seconds) => seconds * 1000);

/** Methods that may be named where no route matched; others are one. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** The sums of one route. */
interface Cell {
  readonly labels: { readonly route: string; readonly method: string };
  /** Requests by status. */
  readonly statuses: Map<number, number>;
  readonly buckets: number[];
  ms: number;
  received: number;
  sent: number;
}

/**
 * Counts requests. What a request costs here is two look-ups and some additions: the library's own
 * counters build a key from all labels each time, and are filled from these sums when they are asked.
 *
 * There are as many series as there are routes and statuses, whatever clients ask for.
 */
export class HttpTally {
  readonly #routes = new Map<RouteLabels, Cell>();
  /** Of requests without a route, by method. */
  readonly #unknown = new Map<string, Cell>();

  /** `ms`: to the head of the answer. `received` and `sent`: bytes of the bodies, as announced. */
  answered(
    route: RouteLabels | null,
    method: string,
    status: number,
    ms: number,
    received: number,
    sent: number,
  ): void {
    const cell = route === null ? this.#without(method) : this.#of(route);
    cell.statuses.set(status, (cell.statuses.get(status) ?? 0) + 1);
    cell.ms += ms;
    cell.received += received;
    cell.sent += sent;
    let bucket = 0;
    while (bucket < BUCKETS_MS.length && ms > (BUCKETS_MS[bucket] ?? 0)) bucket++;
    cell.buckets[bucket] = (cell.buckets[bucket] ?? 0) + 1;
  }

  #of(route: RouteLabels): Cell {
    const known = this.#routes.get(route);
    if (known) return known;
    const cell = emptyCell(route.pattern, route.method);
    this.#routes.set(route, cell);
    return cell;
  }

  #without(method: string): Cell {
    const name = METHODS.includes(method) ? method : "other";
    const known = this.#unknown.get(name);
    if (known) return known;
    const cell = emptyCell("none", name);
    this.#unknown.set(name, cell);
    return cell;
  }

  cells(): Cell[] {
    return [...this.#routes.values(), ...this.#unknown.values()];
  }
}

function emptyCell(route: string, method: string): Cell {
  const buckets = BUCKETS.map(() => 0).concat(0);
  return { labels: { route, method }, statuses: new Map(), buckets, ms: 0, received: 0, sent: 0 };
}

/** Makes the sums known under their names. */
export function registerTally(tally: HttpTally, registry: Registry): void {
  const registers = [registry];
  const counter = (name: string, help: string, value: (cell: Cell) => number): void => {
    void new Counter({
      name,
      help,
      labelNames: ["route", "method"],
      registers,
      collect() {
        this.reset();
        for (const cell of tally.cells()) this.inc(cell.labels, value(cell));
      },
    });
  };
  void new Counter({
    name: "wharf_http_requests_total",
    help: "Requests by route, method and status of the answer",
    labelNames: ["route", "method", "status"],
    registers,
    collect() {
      this.reset();
      for (const { labels, statuses } of tally.cells()) {
        for (const [status, count] of statuses) this.inc({ ...labels, status }, count);
      }
    },
  });
  void new DurationHistogram(tally, registry);
  counter(
    "wharf_http_request_bytes_total",
    "Bytes of request bodies, as Content-Length announced them; chunked ones are in wharf_upload_bytes_total only",
    ({ received }) => received,
  );
  counter(
    "wharf_http_response_bytes_total",
    "Bytes of answers' bodies, as Content-Length announced them",
    ({ sent }) => sent,
  );
}

const DURATION = {
  name: "wharf_http_request_duration_seconds",
  help: "Time from a request's arrival to the head of its answer",
  labelNames: ["route", "method"],
  buckets: BUCKETS,
} as const;

/** A histogram that is not filled one observation at a time. */
class DurationHistogram extends Histogram<"route" | "method"> {
  readonly #tally: HttpTally;

  constructor(tally: HttpTally, registry: Registry) {
    super({ ...DURATION, labelNames: [...DURATION.labelNames], registers: [registry] });
    this.#tally = tally;
    // The text format asks this method, which the library's types leave out.
    Object.assign(this, { getForPromString: async () => await this.get() });
  }

  override async get() {
    const { name, help } = DURATION;
    const values = this.#tally.cells().flatMap((cell) => series(name, cell));
    return { name, help, type: HISTOGRAM, aggregator: "sum" as const, collect, values };
  }
}

const collect = (): void => undefined;
/** The library's types call it a number, which it never is. */
const HISTOGRAM = "histogram" as unknown as MetricType;

/** A cell as a histogram has it: each bucket counts all that are not slower. */
function series(name: string, { labels, buckets, ms }: Cell) {
  let sum = 0;
  const cumulated = buckets.map((count, index) => {
    sum += count;
    const le = BUCKETS[index] ?? "+Inf";
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: sum };
  });
  return [
    ...cumulated,
    { metricName: `${name}_sum`, labels, value: ms / 1000 },
    { metricName: `${name}_count`, labels, value: sum },
  ];
}
