import { lookup } from "node:dns/promises";

/** The addresses of a host's name, the best first. Rejects when there are none. */
export type LookUp = (hostname: string) => Promise<readonly string[]>;

/** As the system does it. IPv4 first: where IPv6 leads nowhere it is noticed late. */
export const systemLookUp: LookUp = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: "ipv4first" });
  return found.map(({ address }) => address);
};

/** Milliseconds. */
const KEPT_MS = 30_000;
const MOST_NAMES = 256;

interface Known {
  readonly addresses: readonly string[];
  readonly until: number;
}

/**
 * The names that one connection has to do with: looked up once in a while, and not for each request. So
 * what was checked is what is connected to.
 */
export class NameBook {
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<readonly string[]>>();

  constructor(
    readonly lookUp: LookUp,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** At once when they are known. */
  addresses(hostname: string): readonly string[] | Promise<readonly string[]> {
    const known = this.#known.get(hostname);
    if (known && known.until > this.now()) return known.addresses;
    const asked = this.#asked.get(hostname) ?? this.#ask(hostname);
    this.#asked.set(hostname, asked);
    return asked;
  }

  /** That one could not be reached: the others come before it. */
  avoid(hostname: string, address: string): void {
    const known = this.#known.get(hostname);
    if (!known?.addresses.includes(address)) return;
    const others = known.addresses.filter((other) => other !== address);
    this.#known.set(hostname, { ...known, addresses: [...others, address] });
  }

  async #ask(hostname: string): Promise<readonly string[]> {
    try {
      const addresses = await this.lookUp(hostname);
      if (this.#known.size >= MOST_NAMES) this.#known.clear();
      this.#known.set(hostname, { addresses, until: this.now() + KEPT_MS });
      return addresses;
    } finally {
      this.#asked.delete(hostname);
    }
  }
}
