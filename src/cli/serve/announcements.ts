import { isDeepStrictEqual } from "node:util";
import type { Config } from "../../config/schema.ts";
import type { Who } from "../../metadata/event.ts";
import type { Metadata } from "../../metadata/metadata.ts";
import { type EndpointState, type Outbox, type PullSink, openOutbox } from "../../notify/outbox.ts";
import type { Log } from "../../observe/log.ts";

type Settings = Config["notifications"];

/** Those who hear of changes, whom another configuration can exchange. */
export class Announcements {
  #outbox: Outbox;
  #config: Config;
  readonly #open: (settings: Settings) => Promise<Outbox>;
  /** What events say of where they come from; null: nothing is delivered yet. */
  #addr: string | null = null;

  private constructor(
    config: Config,
    outbox: Outbox,
    reopen: (settings: Settings) => Promise<Outbox>,
  ) {
    this.#config = config;
    this.#outbox = outbox;
    this.#open = reopen;
  }

  static async open(config: Config, metadata: Metadata, log: Log): Promise<Announcements> {
    let current = (): Config => config;
    const baseUrl = ({ scheme, host }: Pick<Who, "scheme" | "host">): string =>
      current().publicUrl ?? `${scheme}://${host}${current().prefix ?? ""}`;
    const reopen = async (settings: Settings): Promise<Outbox> =>
      await openOutbox(settings, { metadata, baseUrl, log });
    const all = new Announcements(config, await reopen(config.notifications), reopen);
    current = () => all.#config;
    return all;
  }

  /** The metadata, whose changes are announced. Another one when others hear of them. */
  get metadata(): Metadata {
    return this.#outbox.metadata;
  }

  get pulls(): PullSink | null {
    return this.#outbox.pulls;
  }

  async states(): Promise<readonly EndpointState[]> {
    return await this.#outbox.states();
  }

  start(addr: string): void {
    this.#addr = addr;
    this.#outbox.start(addr);
  }

  /**
   * Goes by another configuration. What waits, waits in the tables, and those who stay go on where they
   * were. When that fails those before are taken up again, and the error is thrown.
   */
  async follow(config: Config): Promise<void> {
    const before = this.#config;
    if (!isDeepStrictEqual(before.notifications, config.notifications)) {
      // How far the deliveries came must be written down before others begin to count from there.
      await this.#outbox.close();
      try {
        await this.#take(config.notifications);
      } catch (error) {
        await this.#take(before.notifications);
        throw error;
      }
    }
    this.#config = config;
  }

  async #take(settings: Settings): Promise<void> {
    this.#outbox = await this.#open(settings);
    if (this.#addr !== null) this.#outbox.start(this.#addr);
  }

  async close(): Promise<void> {
    await this.#outbox.close();
  }
}
