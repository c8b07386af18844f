import { Document, isMap, isNode, isScalar, isSeq, stringify } from "yaml";
import type { Translation } from "./translation.ts";

/** Columns of a comment, but for a longer word. */
const WIDTH = 100;

/**
 * A translation as a wharf.yaml, with a comment where something is done in another way than by the tool. The
 * same for the same translation. Secrets are not in it. Pure.
 *
 * `source`: what it was made of, for the first line.
 */
export function renderWharfYaml(translation: Translation, source: string): string {
  const { settings, remarks, asides } = translation;
  const document = new Document(settings);
  for (const { at, from, text } of remarks) {
    if (at !== "") comment(document, at.split("."), sentence(from, text));
  }
  const body = document.toString({ lineWidth: 0, flowCollectionPadding: true });
  const after = asides.map(({ about, value }) => {
    const lines = stringify({ [about]: value }, { lineWidth: 0 })
      .trimEnd()
      .split("\n");
    return `\n${asComment([`${about}, as it was; nothing here goes by it:`, ...lines])}`;
  });
  return [head(translation, source), "\n", body, ...after].join("");
}

function head({ tool, secrets, remarks }: Translation, source: string): string {
  const variables = Object.keys(secrets).toSorted().join(", ");
  return asComment([
    ...wrapped(`Made by \`wharf import\` from ${source}, the configuration of ${tool}.`),
    "`wharf config check -c FILE` checks it, `wharf prune -c FILE -n` shows what would go.",
    ...(variables === ""
      ? []
      : wrapped(`Secrets are not in it; set these variables: ${variables}.`)),
    ...remarks.flatMap(({ at, from, text }) => (at === "" ? wrapped(sentence(from, text)) : [])),
  ]);
}

function sentence(from: string, text: string): string {
  return from === "" ? text : `${from}: ${text}`;
}

function asComment(lines: readonly string[]): string {
  return lines.map((line) => `# ${line}\n`).join("");
}

/** Puts a comment before the setting at a path, or before the nearest one above that is there. */
function comment(document: Document, path: readonly string[], text: string): void {
  const holder = nodeAt(document, path);
  const lines = wrapped(text).map((line) => ` ${line}`);
  holder.commentBefore = [...(holder.commentBefore?.split("\n") ?? []), ...lines].join("\n");
}

interface Commented {
  commentBefore?: string | null;
}

function nodeAt(document: Document, path: readonly string[]): Commented {
  let found: Commented = document;
  let node: unknown = document.contents;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((one) => isScalar(one.key) && one.key.value === key);
      if (pair === undefined || !isNode(pair.key)) return found;
      found = pair.key;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(key)];
      if (!isNode(item)) return found;
      // A comment before the first item of a list stands between its key and the list.
      found = item;
      node = item;
    } else return found;
  }
  return found;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length >= WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
