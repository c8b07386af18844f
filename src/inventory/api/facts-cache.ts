import { Database, type Statement } from "bun:sqlite";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Digest } from "../../oci/digest.ts";
import type { RepositoryName } from "../../oci/name.ts";

/**
 * What was learnt of content that never changes, kept between runs. Only a cache: what it does not have is
 * asked again, and no method throws. Only verified content goes in, and never that something was not there.
 */
export interface FactsCache {
  /** As it was kept; null: not known. */
  find(name: RepositoryName, kind: FactKind, digest: Digest): unknown;
  keep(name: RepositoryName, kind: FactKind, digest: Digest, fact: object): void;
  /** Writes what was kept since the last time; at some point that happens by itself. */
  flush(): void;
  close(): void;
}

export type FactKind = "manifest" | "config" | "blob";

export interface FactsCacheOptions {
  /** Null: nothing is kept. */
  readonly file: string | null;
  /** Of the registry: no fact of one is ever used for another. */
  readonly origin: string;
  readonly warn: (line: string) => void;
  readonly now: () => number;
  /** Bytes of the file; what was not used for longest goes first. */
  readonly largest?: number;
}

/** Of the tables and of what is in them: a file of another version is not read. */
const VERSION = 1;
const LARGEST = 512 * 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;
/** Kept in memory until so many are written together. */
const BATCH = 500;
/** Milliseconds to wait for another process that writes. */
const PATIENCE = 2000;

/** Where the cache is: with the other state, else where caches of this user are; null: nowhere. Pure. */
export function factsFile(
  state: string | null,
  { XDG_CACHE_HOME, HOME }: Readonly<Record<string, string | undefined>>,
): string | null {
  if (state !== null) return join(state, "wharf-facts.sqlite");
  const caches = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  return caches ? join(caches, "wharfinger", "facts.sqlite") : null;
}

export function openFactsCache(options: FactsCacheOptions): FactsCache {
  return new Cache(options);
}

class Cache implements FactsCache {
  readonly #options: FactsCacheOptions;
  #file: File | null = null;
  /** A file was thrown away already: a second time is once too often. */
  #renewed = false;
  readonly #kept = new Map<string, readonly [RepositoryName, FactKind, Digest, string]>();
  readonly #used = new Map<string, readonly [RepositoryName, FactKind, Digest]>();

  constructor(options: FactsCacheOptions) {
    this.#options = options;
    if (options.file === null) {
      options.warn("there is no folder for a cache: every run asks for every manifest again");
      return;
    }
    this.#open(options.file);
  }

  find(name: RepositoryName, kind: FactKind, digest: Digest): unknown {
    const key = `${name} ${kind} ${digest}`;
    const text = this.#kept.get(key)?.[3];
    if (text !== undefined) return JSON.parse(text) as unknown;
    return this.#try((file) => {
      const found = file.find(name, kind, digest);
      if (found?.old) this.#used.set(key, [name, kind, digest]);
      return found ? (JSON.parse(found.fact) as unknown) : null;
    });
  }

  keep(name: RepositoryName, kind: FactKind, digest: Digest, fact: object): void {
    if (!this.#file) return;
    this.#kept.set(`${name} ${kind} ${digest}`, [name, kind, digest, JSON.stringify(fact)]);
    if (this.#kept.size >= BATCH) this.flush();
  }

  flush(): void {
    if (this.#kept.size === 0 && this.#used.size === 0) return;
    this.#try((file) => file.write([...this.#kept.values()], [...this.#used.values()]));
    this.#kept.clear();
    this.#used.clear();
  }

  close(): void {
    this.flush();
    this.#file?.close();
    this.#file = null;
  }

  #open(path: string): void {
    try {
      this.#file = new File(path, this.#options);
    } catch (error) {
      this.#fail(error);
    }
  }

  #try<T>(work: (file: File) => T): T | null {
    if (!this.#file) return null;
    try {
      return work(this.#file);
    } catch (error) {
      this.#fail(error);
      return null;
    }
  }

  #fail(error: unknown): void {
    const { file, warn } = this.#options;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    // Another process writes, and takes its time: what could not be read is asked for, as if it were not there.
    if (/BUSY|LOCKED/.test(code)) return;
    this.#file?.close();
    this.#file = null;
    const why = error instanceof Error ? error.message : String(error);
    const damaged = error instanceof Damaged || /CORRUPT|NOTADB/.test(code);
    if (!damaged || this.#renewed || file === null) {
      warn(`the cache ${file} cannot be used (${why}): what it would know is asked again`);
      return;
    }
    this.#renewed = true;
    warn(`the cache ${file} was damaged (${why}) and was thrown away; it fills again by itself`);
    try {
      // Whoever has it open at this moment goes on with what is no file any more.
      for (const end of ["", "-journal"]) rmSync(file + end, { force: true });
    } catch (removing) {
      this.#fail(removing);
      return;
    }
    this.#open(file);
  }
}

class Damaged extends Error {}

interface Row {
  readonly fact: string;
  readonly sum: number;
  readonly used: number;
}

/** The file itself; its methods throw. */
class File {
  readonly #database: Database;
  readonly #place: Statement<{ id: number }, [string, string]>;
  readonly #find: Statement<Row, [number, string, Digest]>;
  /** Null: nothing is known of it, which no other process is asked about again. */
  readonly #places = new Map<RepositoryName, number | null>();
  readonly #options: FactsCacheOptions;

  constructor(path: string, options: FactsCacheOptions) {
    this.#options = options;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#database = new Database(path, { create: true });
    try {
      // No log beside the file that could outlive it, and no syncs: what a power cut damages is noticed.
      this.#database.run(`PRAGMA busy_timeout = ${PATIENCE}`);
      this.#database.run("PRAGMA synchronous = OFF");
      this.#database.transaction(() => this.#prepare()).immediate();
      this.#place = this.#database.prepare(
        "SELECT id FROM places WHERE origin = ?1 AND repository = ?2",
      );
      this.#find = this.#database.prepare(
        "SELECT fact, sum, used FROM facts WHERE place = ?1 AND kind = ?2 AND digest = ?3",
      );
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepare(): void {
    const version = this.#database
      .query<{ user_version: number }, []>("PRAGMA user_version")
      .get()?.user_version;
    if (version === VERSION) return;
    for (const table of ["facts", "places"]) {
      this.#database.run(`DROP TABLE IF EXISTS ${table}`);
    }
    this.#database.run(
      "CREATE TABLE places (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, repository TEXT NOT NULL, UNIQUE (origin, repository))",
    );
    // `used` is a day: to note every use would make a write of every read.
    this.#database.run(
      "CREATE TABLE facts (place INTEGER NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, fact TEXT NOT NULL, sum INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (place, kind, digest)) WITHOUT ROWID",
    );
    this.#database.run(`PRAGMA user_version = ${VERSION}`);
  }

  find(
    name: RepositoryName,
    kind: FactKind,
    digest: Digest,
  ): { fact: string; old: boolean } | null {
    const place = this.#placeOf(name);
    const row = place === null ? null : this.#find.get(place, kind, digest);
    if (!row) return null;
    if (row.sum !== sumOf(this.#options.origin, name, kind, digest, row.fact)) {
      throw new Damaged("a checksum is wrong");
    }
    return { fact: row.fact, old: row.used < this.#today() };
  }

  write(
    kept: readonly (readonly [RepositoryName, FactKind, Digest, string])[],
    used: readonly (readonly [RepositoryName, FactKind, Digest])[],
  ): void {
    const { origin } = this.#options;
    const today = this.#today();
    const put = this.#database.prepare<unknown, [number, string, Digest, string, number, number]>(
      "INSERT OR REPLACE INTO facts VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    );
    const touch = this.#database.prepare<unknown, [number, string, Digest, number]>(
      "UPDATE facts SET used = ?4 WHERE place = ?1 AND kind = ?2 AND digest = ?3",
    );
    this.#database
      .transaction(() => {
        for (const [name, kind, digest] of used) {
          const place = this.#placeOf(name);
          if (place !== null) touch.run(place, kind, digest, today);
        }
        for (const [name, kind, digest, fact] of kept) {
          const sum = sumOf(origin, name, kind, digest, fact);
          put.run(this.#placeOf(name) ?? this.#addPlace(name), kind, digest, fact, sum, today);
        }
      })
      .immediate();
    this.#shrink();
  }

  close(): void {
    this.#database.close();
  }

  /** Of the least recently used a quarter, so that it is not done for every batch. Pages are used again. */
  #shrink(): void {
    const pragma = (name: string): number =>
      Object.values(
        this.#database.query<Record<string, number>, []>(`PRAGMA ${name}`).get() ?? {},
      )[0] ?? 0;
    const bytes = (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
    if (bytes <= (this.#options.largest ?? LARGEST)) return;
    this.#database.run(
      "DELETE FROM facts WHERE (place, kind, digest) IN (SELECT place, kind, digest FROM facts ORDER BY used LIMIT (SELECT count(*) / 4 + 1 FROM facts))",
    );
  }

  #placeOf(name: RepositoryName): number | null {
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const id = this.#place.get(this.#options.origin, name)?.id ?? null;
    this.#places.set(name, id);
    return id;
  }

  #addPlace(name: RepositoryName): number {
    this.#database.run("INSERT OR IGNORE INTO places (origin, repository) VALUES (?1, ?2)", [
      this.#options.origin,
      name,
    ]);
    const id = this.#place.get(this.#options.origin, name)?.id;
    if (id === undefined) throw new Damaged("it does not keep what is written");
    this.#places.set(name, id);
    return id;
  }

  #today(): number {
    return Math.floor(this.#options.now() / DAY);
  }
}

/** A file system that returns other bytes is noticed, also where SQLite sees nothing wrong. */
function sumOf(...parts: readonly string[]): number {
  return Bun.hash.xxHash32(parts.join("\n"));
}
