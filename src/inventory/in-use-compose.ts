import { isRecord } from "../oci/json.ts";
import { quoted, type Images } from "./in-use-images.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** A Compose file says what it is by its shape alone. Pure. */
export function isCompose(document: unknown): document is Record<string, unknown> {
  return isRecord(document) && isRecord(document["services"]) && !("apiVersion" in document);
}

/**
 * Adds the images of a Compose file's services. Where a variable stands in one, every value counts that it may
 * have: the environment's, that of the `.env` beside the file, and the default that the file gives; we are not
 * where it is started. Without any of these it is a fault.
 *
 * @see Compose specification, "Interpolation" and "image"
 */
export function addCompose(
  document: Record<string, unknown>,
  place: string,
  settings: { readonly environment: Variables; readonly dotenv: Variables },
  images: Images,
): void {
  const { environment, dotenv } = settings;
  const views: Variables[] = [{ ...dotenv, ...environment }, dotenv, {}];
  if (document["include"] !== undefined) {
    images.remark(`${place}: what it includes counts only where it lies in the folder as well`);
  }
  for (const [at, image] of imagesOf(document["services"], `${place}: services`)) {
    if (typeof image !== "string") {
      images.fault(at, "is no text");
      continue;
    }
    const values = views.map((view) => interpolate(image, view));
    const known = values.filter((value) => typeof value === "string");
    if (known.length === 0) images.fault(at, `${quoted(image)}: ${reasonOf(values[0])}`);
    for (const value of new Set(known)) images.add(value, at);
    if (image.includes("$") && values[0] === values[2] && known.length > 0) {
      images.remark(`${at}: ${quoted(image)} is taken as its default, ${quoted(known[0] ?? "")}`);
    }
  }
}

/** Of services, and of the volumes that are images; each with its place. */
function* imagesOf(services: unknown, place: string): Generator<readonly [string, unknown]> {
  for (const [name, service] of Object.entries(isRecord(services) ? services : {})) {
    const { image, volumes } = isRecord(service) ? service : {};
    if (image !== undefined && image !== null) yield [`${place}.${name}.image`, image];
    for (const [index, volume] of (Array.isArray(volumes) ? volumes : []).entries()) {
      if (!isRecord(volume) || volume["type"] !== "image") continue;
      yield [`${place}.${name}.volumes[${index}].source`, volume["source"]];
    }
  }
}

function reasonOf(value: string | { readonly reason: string } | undefined): string {
  return typeof value === "object" ? value.reason : "it has no value";
}

/**
 * A text with `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:+other}`, `${NAME+other}` and
 * `${NAME:?message}` replaced, also one in the default of another; `$$` is a dollar. A variable without a value
 * is no empty text here, as it is for Compose: the name of an image would be another one. Pure.
 */
export function interpolate(
  text: string,
  variables: Variables,
): string | { readonly reason: string } {
  let result = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar === -1) return result + text.slice(at);
    result += text.slice(at, dollar);
    const part = partAt(text, dollar, variables);
    if ("reason" in part) return part;
    result += part.value;
    at = part.end;
  }
  return result;
}

type Part = { readonly value: string; readonly end: number } | { readonly reason: string };

function partAt(text: string, dollar: number, variables: Variables): Part {
  const rest = text.slice(dollar + 1);
  if (rest.startsWith("$")) return { value: "$", end: dollar + 2 };
  const plain = /^[A-Za-z_]\w*/.exec(rest)?.[0];
  if (plain !== undefined) return valueOf(plain, variables, dollar + 1 + plain.length);
  const [, name, operator] = /^\{([A-Za-z_]\w*)(:?[-+?])?/.exec(rest) ?? [];
  const end = closing(text, dollar + 1);
  if (name === undefined || end === -1) return { reason: "a $ begins no variable" };
  const from = dollar + 2 + name.length + (operator?.length ?? 0);
  if (operator === undefined) {
    return from === end
      ? valueOf(name, variables, end + 1)
      : { reason: `what follows ${name} is not understood` };
  }
  const value = variables[name];
  const set = value !== undefined && (value !== "" || !operator.startsWith(":"));
  const kind = operator.at(-1);
  if (kind === "?" || (kind === "-" && set)) return valueOf(name, variables, end + 1);
  if (kind === "+" && !set) return { value: "", end: end + 1 };
  const other = interpolate(text.slice(from, end), variables);
  return typeof other === "string" ? { value: other, end: end + 1 } : other;
}

function valueOf(name: string, variables: Variables, end: number): Part {
  const value = variables[name];
  return value ? { value, end } : { reason: `the variable ${name} is not set` };
}

/** The brace that ends what begins with the one at `from`; -1: none does. */
function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

/** `NAME=value` lines, with comments, `export` and quotes. What else there is says nothing. Pure. */
export function parseDotenv(text: string): Variables {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [, name, raw = ""] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const quote = /^(["'])(.*?)\1/.exec(raw);
    found[name] = quote?.[2] ?? raw.replace(/\s+#.*$/, "").trim();
  }
  return found;
}
