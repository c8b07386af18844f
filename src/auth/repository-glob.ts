/**
 * Globs of repository names: `*` stands for anything within a part, `**` as a part of its own for any
 * number of parts. `ci/**` is all below `ci`, but not `ci` itself; `**` is everything.
 */

const PART = /^(?:\*\*|[a-z0-9._*-]+)$/;

/** Whether a text is a glob that can match a name at all: names have no capital letters and no empty parts. */
export function isRepositoryGlob(text: string): boolean {
  return text
    .split("/")
    .every((part) => PART.test(part) && (part === "**" || !part.includes("**")));
}

/** Whether a glob covers a repository. Takes time in proportion to the product of their lengths at most. Pure. */
export function globMatches(glob: string, name: string): boolean {
  return glob === "**" || glob === name || partsMatch(glob.split("/"), name.split("/"));
}

/** Only the last `**` is ever tried again: what came before it has matched as early as it could. */
function partsMatch(glob: readonly string[], name: readonly string[]): boolean {
  let at = 0;
  let again = -1;
  let taken = 0;
  let part = 0;
  while (part < name.length) {
    if (glob[at] === "**") {
      again = ++at;
      taken = part;
      // As the last part it needs something to stand for: `ci/**` is not `ci`.
      if (at === glob.length) return true;
    } else if (at < glob.length && partMatches(glob[at] ?? "", name[part] ?? "")) {
      at++;
      part++;
    } else if (again >= 0) {
      at = again;
      part = ++taken;
    } else return false;
  }
  return at === glob.length;
}

function partMatches(glob: string, text: string): boolean {
  let at = 0;
  let again = -1;
  let taken = 0;
  let char = 0;
  while (char < text.length) {
    if (glob[at] === "*") {
      again = ++at;
      taken = char;
    } else if (at < glob.length && glob[at] === text[char]) {
      at++;
      char++;
    } else if (again >= 0) {
      at = again;
      char = ++taken;
    } else return false;
  }
  while (glob[at] === "*") at++;
  return at === glob.length;
}
