import { isRecord } from "../oci/json.ts";
import { parseGoDuration } from "./duration.ts";
import { nearest } from "./nearest.ts";

/** What came up while a configuration of the distribution registry was read. */
export interface Findings {
  /** Nothing may be started with these: what is wrong, or must not be left out, each with its key path. */
  readonly faults: string[];
  /** Key paths that have no effect here. */
  readonly unused: string[];
  /** Key paths of what this registry does by itself. */
  readonly needless: string[];
  /** Sentences about what is done in another way than it says. */
  readonly remarks: string[];
}

/**
 * A map of a distribution configuration, whose scalars are texts as they were written.
 *
 * It remembers which keys were asked for, so that what nobody asks for can be named. Reading never throws:
 * a value of the wrong kind is a fault with its key path, and reads as absent. Values are never repeated
 * in a finding: they may be secrets.
 */
export class Section {
  readonly #asked = new Set<string>();
  readonly #inner: Section[] = [];

  constructor(
    private readonly map: Readonly<Record<string, unknown>>,
    /** The key path; empty at the top. */
    readonly path: string,
    readonly findings: Findings,
  ) {}

  /** The path of a key in here. */
  at(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  fault(key: string, reason: string): void {
    this.findings.faults.push(`${this.at(key)}: ${reason}`);
  }

  keys(): string[] {
    return Object.keys(this.map);
  }

  /** Whether it stands there with something in it. Does not count as asking. */
  has(key: string): boolean {
    const value = this.#value(key);
    if (value === undefined) return false;
    return typeof value !== "object" || value === null || Object.keys(value).length > 0;
  }

  isText(key: string): boolean {
    return typeof this.#value(key) === "string";
  }

  text(key: string): string | undefined {
    const value = this.#ask(key);
    if (value === undefined || typeof value === "string") return value;
    this.fault(key, "must be one value, not a map or a list");
    return undefined;
  }

  /** YAML 1.1, which distribution reads, has many words for true and false. */
  flag(key: string): boolean | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (/^(?:true|yes|on|y)$/i.test(text)) return true;
    if (/^(?:false|no|off|n)$/i.test(text)) return false;
    this.fault(key, "must be true or false");
    return undefined;
  }

  count(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    this.fault(key, "must be a number");
    return undefined;
  }

  /** Milliseconds. Less than one is nanoseconds that nobody meant: without a unit they are no second. */
  duration(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    const milliseconds = parseGoDuration(text);
    if (milliseconds === null) {
      this.fault(key, "must be a duration, such as 500ms, 30s or 1h30m");
      return undefined;
    }
    if (milliseconds === 0 || milliseconds >= 1) return milliseconds;
    this.findings.remarks.push(
      `${this.at(key)} is a number of nanoseconds, as it has no unit; the default is used`,
    );
    return undefined;
  }

  /** A single value counts as a list of one. */
  texts(key: string): string[] {
    const value = this.#ask(key);
    if (value === undefined) return [];
    const all = Array.isArray(value) ? (value as unknown[]) : [value];
    const texts = all.filter((one): one is string => typeof one === "string");
    if (texts.length < all.length) this.fault(key, "must be a list of values");
    return texts;
  }

  /** Empty when it is not there. */
  section(key: string): Section {
    const value = this.#ask(key);
    const inner = value === undefined ? {} : isRecord(value) ? value : null;
    if (inner === null) this.fault(key, "must be a map of settings");
    return this.#below(inner ?? {}, this.at(key));
  }

  sections(key: string): Section[] {
    const value = this.#ask(key);
    if (value === undefined) return [];
    if (!Array.isArray(value) || !value.every(isRecord)) {
      this.fault(key, "must be a list of maps of settings");
      return [];
    }
    return value.map((one, index) => this.#below(one, `${this.at(key)}.${index}`));
  }

  /** These are understood, and nothing needs to be done about them. */
  needless(...keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#ask(key) !== undefined) this.findings.needless.push(this.at(key));
    }
  }

  /** Names what nobody has asked for, in here and below. `known` finds the word that was meant. */
  nameRest(known: readonly string[] = []): void {
    for (const key of this.keys()) {
      if (this.#asked.has(key)) continue;
      const near = known.includes(key) ? null : nearest(key, known);
      this.findings.unused.push(this.at(key) + (near === null ? "" : ` (did you mean ${near}?)`));
    }
    for (const inner of this.#inner) inner.nameRest();
  }

  #value(key: string): unknown {
    const value = Object.hasOwn(this.map, key) ? this.map[key] : undefined;
    return value === null || isNothing(value) ? undefined : value;
  }

  #ask(key: string): unknown {
    this.#asked.add(key);
    return this.#value(key);
  }

  #below(map: Readonly<Record<string, unknown>>, path: string): Section {
    const inner = new Section(map, path, this.findings);
    this.#inner.push(inner);
    return inner;
  }
}

/** How YAML writes null where scalars are texts. */
function isNothing(value: unknown): boolean {
  return typeof value === "string" && /^(?:|~|null)$/i.test(value);
}
