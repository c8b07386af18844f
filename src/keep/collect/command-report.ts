import { printable } from "../../client/http/printable.ts";

const SHOWN = 5;

/** What `garbage-collect` says of what it does, line by line. Memory stays small, however much it says. */
export class CommandReport {
  #blobs = 0;
  #manifests = 0;
  readonly #last: string[] = [];

  get blobs(): number {
    return this.#blobs;
  }
  get manifests(): number {
    return this.#manifests;
  }

  line(line: string): void {
    // Since 2.0 this line comes when all is marked, before the first thing is removed.
    const counts = /(\d+) blobs and (\d+) manifests eligible for deletion/.exec(line);
    if (counts) {
      this.#blobs = Number(counts[1]);
      this.#manifests = Number(counts[2]);
    }
    if (line.trim() === "") return;
    this.#last.push(line.trim());
    if (this.#last.length > SHOWN) this.#last.shift();
  }

  /** For an error. */
  lastLines(): string {
    return printable(this.#last.join(" / "), 500) || "it said nothing";
  }
}
