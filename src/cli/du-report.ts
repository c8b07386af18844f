import type { UsageEvent } from "../inventory/measure-usage.ts";
import type { Amount, EntryUsage, RepositoryUsage } from "../inventory/usage.ts";
import type { FolderUsage } from "../inventory/usage-folders.ts";
import { jsonDocument } from "./json.ts";
import { type Column, table } from "./table.ts";
import { counted, humanSize, shortDigest } from "./units.ts";

type Totals = Extract<UsageEvent, { done: unknown }>["done"];

const BYTES: readonly Column[] = ["TOTAL", "UNIQUE", "SHARED"].map((title) => ({
  title,
  align: "right",
}));

/** What a count of bytes came to, for people and for programs. */
export class UsageReport {
  readonly #repositories: RepositoryUsage[] = [];
  readonly #entries = new Map<string, EntryUsage[]>();
  readonly #folders: FolderUsage[] = [];
  #done: Totals | null = null;

  /**
   * `withTags`: somebody asked for some repositories, and wants to know what is in them. `forProgram`: all is
   * told; otherwise what is not shown is not kept.
   */
  constructor(
    readonly source: string,
    readonly withTags: boolean,
    readonly forProgram: boolean,
  ) {}

  add(event: UsageEvent): void {
    if ("repository" in event) this.#repositories.push(event.repository);
    else if ("folder" in event) this.#folders.push(event.folder);
    else if ("done" in event) this.#done = event.done;
    else if ("entry" in event && (this.withTags || this.forProgram)) {
      const { repository } = event.entry;
      const known = this.#entries.get(repository);
      if (known) known.push(event.entry);
      else this.#entries.set(repository, [event.entry]);
    }
  }

  /** What frees most comes first. */
  table(): string[] {
    if (this.#repositories.length === 0) return [];
    const rows = byUnique(this.#repositories).flatMap((repository) => {
      const own = [repository.name, ...sizes(repository)];
      const entries = this.withTags ? byUnique(this.#entriesOf(repository.name)) : [];
      return [own, ...entries.map((entry) => [`  ${nameOf(entry)}`, ...sizes(entry)])];
    });
    return table([{ title: "REPOSITORY" }, ...BYTES], rows);
  }

  /** Folders with what is in them, each with its share of the folder above. */
  tree(): string[] {
    const rows: string[][] = [];
    const folders = new Map(this.#folders.map((folder) => [folder.path, folder]));
    const children = Map.groupBy<string, Child>(
      [
        ...this.#folders.filter(({ path }) => path !== ""),
        ...this.#repositories.map((one) => ({ ...one, path: one.name, repository: true })),
      ],
      ({ path, ...one }) => {
        // A repository of which the name is also a folder's lies in that folder.
        if ("repository" in one && folders.has(path)) return path;
        return nearest(path, folders);
      },
    );
    const walk = (path: string, depth: number, of: number): void => {
      for (const child of byUnique(children.get(path) ?? [])) {
        const isRepository = "repository" in child;
        const name =
          child.path === path ? "." : child.path.slice(path === "" ? 0 : path.length + 1);
        const label = `${"  ".repeat(depth)}${name}${isRepository ? "" : "/"}`;
        rows.push([bar(child.total, of), ...sizes(child), label]);
        if (!isRepository) walk(child.path, depth + 1, child.total);
        else if (this.withTags) {
          for (const entry of byUnique(this.#entriesOf(child.path))) {
            const tag = `${"  ".repeat(depth + 1)}${nameOf(entry)}`;
            rows.push([bar(entry.total, child.total), ...sizes(entry), tag]);
          }
        }
      }
    };
    walk("", 0, this.#done?.bytes ?? 0);
    return table([{ title: "" }, ...BYTES, { title: "NAME" }], rows);
  }

  totals(): string[] {
    if (!this.#done) return [];
    const { repositories, tags, manifests, bytes, sharedBytes, unlinked, trash } = this.#done;
    const shared =
      sharedBytes > 0 ? `, ${humanSize(sharedBytes)} of it in several repositories` : "";
    const lines = [
      `${humanSize(bytes)} in ${counted(repositories, "repository")}, ` +
        `${counted(tags, "tag")}, ${counted(manifests, "manifest")}${shared}`,
    ];
    if (unlinked.blobs > 0) {
      lines.push(
        `${humanSize(unlinked.bytes)} in ${counted(unlinked.blobs, "blob")} of no repository`,
      );
    }
    if (trash.entries > 0) {
      lines.push(`${humanSize(trash.bytes)} in the trash (${counted(trash.entries, "entry")})`);
    }
    const unread = this.#repositories.filter(({ unreadable }) => unreadable > 0);
    if (unread.length > 0) {
      const names = unread.slice(0, 5).map(({ name }) => name);
      lines.push(`not all could be read, and is not counted, in ${names.join(", ")}`);
    }
    return lines;
  }

  json(): string {
    const repositories = byUnique(this.#repositories).map((repository) => ({
      ...repository,
      entries: byUnique(this.#entriesOf(repository.name)).map((entry) => {
        const { kind, tag, digest, total, unique, shared } = entry;
        return { kind, tag, digest, total, unique, shared };
      }),
    }));
    return jsonDocument({
      source: this.source,
      totals: this.#done,
      repositories,
      folders: this.#folders,
    });
  }

  #entriesOf(name: string): readonly EntryUsage[] {
    return this.#entries.get(name) ?? [];
  }
}

type Child = Amount & { readonly path: string; readonly repository?: boolean };

/** What frees most first; of what frees the same, the larger, then by name. */
function byUnique<T extends Amount & Partial<Record<"name" | "path" | "tag", string | null>>>(
  those: readonly T[],
): T[] {
  const named = ({ name, path, tag }: T): string => name ?? path ?? tag ?? "";
  return those.toSorted(
    (a, b) => b.unique - a.unique || b.total - a.total || (named(a) < named(b) ? -1 : 1),
  );
}

function sizes({ total, unique, shared }: Amount): string[] {
  return [total, unique, shared].map(humanSize);
}

function nameOf({ kind, tag, digest }: EntryUsage): string {
  if (tag === null) return `(${kind})`;
  return digest === null ? tag : `${tag} (${shortDigest(digest)})`;
}

function nearest(path: string, folders: ReadonlyMap<string, unknown>): string {
  for (let at = path; at !== "";) {
    at = at.slice(0, Math.max(at.lastIndexOf("/"), 0));
    if (folders.has(at)) return at;
  }
  return "";
}

const WIDTH = 10;

function bar(part: number, whole: number): string {
  const filled = whole > 0 ? Math.round((part / whole) * WIDTH) : 0;
  return `[${"#".repeat(Math.min(filled, WIDTH)).padEnd(WIDTH)}]`;
}
