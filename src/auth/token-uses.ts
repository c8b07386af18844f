import { readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { isRecord } from "../oci/json.ts";

/** Its name, below `wharfinger/` in the data folder. */
export const USES_FILE = "token-uses.json";

/** Milliseconds between two writes; when a token was last used is known as exactly as this. */
const EVERY_MS = 60_000;

/**
 * When each access token was last used: a help to find those that nobody needs, and nothing that decisions
 * rest on. So it is written once a minute at most, is not synced, and what cannot be written is forgotten.
 */
export class TokenUses {
  readonly #used: Map<string, number>;
  #changed = false;
  #written = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> = Promise.resolve();

  constructor(readonly path: string) {
    this.#used = new Map(readUses(path));
  }

  /** UTC milliseconds. */
  mark(id: string, now: number): void {
    this.#used.set(id, now);
    this.#changed = true;
    if (Math.abs(now - this.#written) < EVERY_MS) return;
    this.#written = now;
    void this.flush();
  }

  /** Resolves when what is known is written, or cannot be. */
  flush(): Promise<void> {
    if (this.#changed) {
      this.#changed = false;
      this.#writing = this.#writing.then(() => this.#write());
    }
    return this.#writing;
  }

  async #write(): Promise<void> {
    const temporary = `${this.path}.new`;
    try {
      const text = `${JSON.stringify(Object.fromEntries(this.#used))}\n`;
      await writeFile(temporary, text, { mode: 0o600 });
      await rename(temporary, this.path);
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

/** Id to UTC milliseconds; empty when the file cannot be read. */
export function readUses(path: string): ReadonlyMap<string, number> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    const entries = isRecord(value) ? Object.entries(value) : [];
    return new Map(
      entries.filter((entry): entry is [string, number] => typeof entry[1] === "number"),
    );
  } catch {
    return new Map();
  }
}
