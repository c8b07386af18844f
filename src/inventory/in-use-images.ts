import { printable } from "../client/http/printable.ts";
import { type Digest, hexOf } from "../oci/digest.ts";
import type { InUse } from "./in-use.ts";
import { type ImageReference, parseImageReference } from "./in-use-reference.ts";

/** How many faults a message names one by one. */
const NAMED = 3;
/** How many digits tell which images may begin so. */
const SHORTEST = 12;

/** An image of which no tag is known: any may be the one. */
interface WholeRepository {
  readonly repository: string;
}

/** What a source has named so far, and what of it was no name. */
export class Images {
  readonly #texts = new Set<string>();
  readonly #whole = new Set<string>();
  /** What was found where nobody says that it is an image. */
  readonly #likely = new Set<string>();
  readonly #wholeLikely = new Set<string>();
  readonly #faults: string[] = [];
  readonly #remarks = new Set<string>();

  /** `place`: where it stands, for the message when it is no image. */
  add(text: string, place: string): void {
    const trimmed = text.trim();
    if (this.#texts.has(trimmed)) return;
    const read = parseImageReference(trimmed);
    if ("reason" in read) this.fault(place, `${quoted(trimmed)} is no image: ${read.reason}`);
    else this.#texts.add(trimmed);
  }

  /** The same for a text that may well be something else: then it is passed over. */
  addPerhaps(text: string): void {
    if (!("reason" in parseImageReference(text.trim()))) this.#texts.add(text.trim());
  }

  /** The same where it is only likely to be one: it stays, and is no sign that a list is not lost. */
  addLikely(text: string): void {
    if (!("reason" in parseImageReference(text.trim()))) this.#likely.add(text.trim());
  }

  addWhole({ repository }: WholeRepository): void {
    if (!("reason" in parseImageReference(repository))) this.#whole.add(repository);
  }

  addWholePerhaps({ repository }: WholeRepository): void {
    if (!("reason" in parseImageReference(repository))) this.#wholeLikely.add(repository);
  }

  /** All that another one has found, in a text that may be something else: its faults say nothing. */
  addFound(other: Images): void {
    for (const text of [...other.#texts, ...other.#likely]) this.#likely.add(text);
    for (const repository of [...other.#whole, ...other.#wholeLikely]) {
      this.#wholeLikely.add(repository);
    }
  }

  /** The same images under another name, as Kustomize gives it to them. */
  rename(from: string, to: string): void {
    for (const text of [...this.#texts, ...this.#likely]) {
      const [, name = "", rest = ""] = /^(.*?)((?::[^:/@]+)?(?:@.+)?)$/.exec(text) ?? [];
      if (name === from) this.addPerhaps(to + rest);
    }
  }

  fault(place: string, reason: string): void {
    this.#faults.push(`${place}: ${reason}`);
  }

  remark(text: string): void {
    this.#remarks.add(text);
  }

  get count(): number {
    return this.#texts.size + this.#whole.size;
  }

  get remarks(): readonly string[] {
    return [...this.#remarks];
  }

  /** Null: all was understood. */
  get failure(): string | null {
    if (this.#faults.length === 0) return null;
    const more = this.#faults.length - NAMED;
    return this.#faults.slice(0, NAMED).join("; ") + (more > 0 ? `; and ${more} more` : "");
  }

  inUse(source: string): InUse {
    const whole = readAll([...this.#whole, ...this.#wholeLikely]);
    const texts = new Set([...this.#texts, ...this.#likely]);
    return lookUp(
      source,
      readAll(texts),
      whole.flatMap(({ repositories }) => repositories),
    );
  }
}

/** All of them were read once before. */
function readAll(texts: Iterable<string>): ImageReference[] {
  return [...texts].flatMap((text) => {
    const read = parseImageReference(text);
    return "reason" in read ? [] : [read];
  });
}

function lookUp(
  source: string,
  images: readonly ImageReference[],
  whole: readonly string[],
): InUse {
  const repositories = new Set<string>(whole);
  const tags = new Set<string>();
  const digests = new Set<string>();
  const byRepository = new Map<string, Set<Digest>>();
  const digits = new Map<string, string[]>();
  for (const { repositories: names, tag, digest, digits: some } of images) {
    for (const name of names) {
      if (tag !== null) tags.add(`${name}:${tag}`);
      if (digest === null) continue;
      digests.add(`${name}@${digest}`);
      byRepository.set(name, (byRepository.get(name) ?? new Set()).add(digest));
    }
    if (digest !== null && names.length === 0) digests.add(digest);
    if (some !== null) {
      const key = some.slice(0, SHORTEST);
      digits.set(key, [...(digits.get(key) ?? []), some]);
    }
  }
  const beginsAsNamed = (digest: Digest): boolean => {
    const hex = hexOf(digest);
    return digits.get(hex.slice(0, SHORTEST))?.some((some) => hex.startsWith(some)) === true;
  };
  return {
    tag: (repository, tag) =>
      repositories.has(repository) || tags.has(`${repository}:${tag}`) ? source : null,
    digest: (repository, digest) =>
      digests.has(`${repository}@${digest}`) || digests.has(digest) || beginsAsNamed(digest)
        ? source
        : null,
    digestsOf: (repository) => [...(byRepository.get(repository) ?? [])],
  };
}

/** The text as a message may show it: short, and without what a terminal obeys. */
export function quoted(text: string): string {
  return `"${printable(text, 120)}"`;
}
