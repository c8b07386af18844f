import type { CheckEvent } from "../gc/check.ts";
import type { Checked, Finding, FindingKind } from "../gc/finding.ts";
import { jsonDocument } from "./json.ts";
import { table } from "./table.ts";
import { counted, humanSize, shortDigest } from "./units.ts";

const TITLES: readonly (readonly [FindingKind, string])[] = [
  ["broken", "Broken images:"],
  ["tree", "The tree and the metadata differ:"],
  ["unused", "Damaged, and needed by no image:"],
  ["unread", "Could not be read:"],
];

const NONE: Checked = { repositories: 0, tags: 0, manifests: 0, blobs: 0, files: 0, bytes: 0 };

/** What a check came to, for people and for programs. */
export class CheckReport {
  readonly #found: Finding[] = [];
  #checked = NONE;

  constructor(
    readonly source: string,
    readonly verifyBytes: boolean,
  ) {}

  add(event: CheckEvent): void {
    if ("finding" in event) this.#found.push(event.finding);
    else this.#checked = "done" in event ? event.done : event.progress;
  }

  get count(): number {
    return this.#found.length;
  }

  /** The damage, a table for each kind. */
  lines(): string[] {
    return TITLES.flatMap(([kind, title]) => {
      const found = this.#of(kind);
      if (found.length === 0) return [];
      const first = kind === "broken" ? "IMAGE" : "WHERE";
      const columns = [first, "DIGEST", "PROBLEM"].map((name) => ({ title: name }));
      return [title, ...table(columns, found.flatMap(rows)).map((line) => `  ${line}`)];
    });
  }

  counts(): string {
    const images = new Set(this.#of("broken").flatMap(({ images: named }) => named));
    const parts = TITLES.map(([kind]) => [kind, this.#of(kind).length] as const)
      .filter(([, count]) => count > 0)
      .map(([kind, count]) =>
        kind === "broken" ? counted(images.size, "broken image") : `${kind} ${count}`,
      );
    return parts.join(", ");
  }

  summary(): string {
    const { repositories, tags, manifests, blobs, files, bytes } = this.#checked;
    const looked = [
      counted(repositories, "repository"),
      counted(tags, "tag"),
      counted(manifests, "manifest"),
      `${counted(blobs, "link")} to blobs`,
    ];
    const read = this.verifyBytes
      ? `; ${counted(files, "file")} read (${humanSize(bytes)})`
      : "; sizes only, --verify-bytes reads the blobs";
    return `checked ${looked.join(", ")}${read}`;
  }

  progress(): string {
    const { repositories, files, bytes } = this.#checked;
    return files > 0 && repositories === 0
      ? `read ${counted(files, "file")}, ${humanSize(bytes)}`
      : `checked ${repositories} repositories`;
  }

  json(): string {
    const plain = TITLES.map(([kind]) => [kind, this.#of(kind).map(withoutKind)]);
    return jsonDocument({
      source: this.source,
      verifiedBytes: this.verifyBytes,
      clean: this.count === 0,
      checked: this.#checked,
      ...(Object.fromEntries(plain) as Record<FindingKind, unknown>),
    });
  }

  #of(kind: FindingKind): Finding[] {
    return this.#found.filter((finding) => finding.kind === kind);
  }
}

/** The list that it stands in says of what kind it is. */
function withoutKind({ repository, images, digest, path, problem }: Finding) {
  return { repository, images, digest, path, problem };
}

/** A row for each image: whoever looks for one must find it. */
function rows({ images, repository, digest, path, problem }: Finding): string[][] {
  const what = digest === null ? "-" : shortDigest(digest);
  const where = images.length > 0 ? images : [repository ?? path ?? "-"];
  const told =
    digest === null && path !== null && path !== where[0] ? `${path}: ${problem}` : problem;
  return where.map((image) => [image, what, told]);
}
