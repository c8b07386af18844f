/** What became of one request, for the access log. */
export interface Access {
  /** UTC milliseconds. */
  readonly at: number;
  /** Of a connection, or checked to be one. */
  readonly address: string;
  readonly user: string | null;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The pattern of the route; null: none matched. */
  readonly route: string | null;
  readonly status: number;
  readonly bytes: number;
  readonly ms: number;
  readonly referer: string | null;
  readonly userAgent: string | null;
}

export const ACCESS_FORMATS = ["combined", "json"] as const;
export type AccessFormat = (typeof ACCESS_FORMATS)[number];

/** Characters of what a client made up that are kept: a line shall stay a line. */
const LONGEST = 1024;

/** One line, with its end. Pure. */
export function accessLine(format: AccessFormat, access: Access): string {
  return format === "json" ? json(access) : combined(access);
}

/** As Apache and registry:2 write it. */
function combined(access: Access): string {
  const { address, at, method, path, status, bytes } = access;
  const user = access.user === null ? "" : escaped(access.user).replaceAll(" ", "\\x20");
  const from = `"${escaped(referer(access))}" "${escapedAgent(access.userAgent ?? "")}"`;
  return `${address} - ${user || "-"} [${apacheTime(at)}] "${escaped(method)} ${escaped(path)} HTTP/1.1" ${status} ${bytes} ${from}\n`;
}

/** Put together by hand: a line for every request shall cost little, and most of it needs no escaping. */
function json(access: Access): string {
  const { address, user, route, status, bytes, ms } = access;
  const who = `"address":"${address}","user":${user === null ? "null" : quoted(user)}`;
  const what = `"method":${quoted(access.method)},"path":${quoted(access.path)}`;
  const where = `"route":${route === null ? "null" : `"${route}"`}`;
  const how = `"status":${status},"bytes":${bytes},"ms":${Math.round(ms * 100) / 100}`;
  const from = `"referer":${quoted(referer(access))},"userAgent":${quotedAgent(access.userAgent ?? "")}`;
  return `{"time":"${isoTime(access.at)}",${who},${what},${where},${how},${from}}\n`;
}

/** Without its query and without a user: what another site keeps there is none of ours. */
function referer({ referer: whole }: Access): string {
  if (!whole) return "";
  const [front = ""] = whole.split(/[?#]/, 1);
  return front.replace(/^([^/]*\/\/)[^/]*@/, "$1");
}

function cut(text: string): string {
  return text.length > LONGEST ? text.slice(0, LONGEST) : text;
}

/** What stands in quotes as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** Whatever is not printable ASCII, quotes and backslashes cannot end a field or move a cursor. */
function escaped(text: string): string {
  if (text.length <= LONGEST && PLAIN.test(text)) return text;
  return cut(text).replace(/["\\]|[^\x20-\x7e]/g, (one) =>
    one === '"' || one === "\\" ? `\\${one}` : hexBytes(one),
  );
}

/** The same for JSON, which leaves some characters as they are that are commands to a terminal. */
function quoted(text: string): string {
  if (text.length <= LONGEST && PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(cut(text)).replace(/[\u007f-\u009f\u2028\u2029]/g, hex4);
}

/** Many requests after each other come from one program. */
const escapedAgent = latest(escaped);
const quotedAgent = latest(quoted);

/** The same function, which remembers its last answer. */
function latest(answer: (text: string) => string): (text: string) => string {
  let asked: string | null = null;
  let answered = "";
  return (text) => {
    if (text !== asked) [asked, answered] = [text, answer(text)];
    return answered;
  };
}

function hexBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

function hex4(text: string): string {
  return `\\u${text.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The last second in both forms: made once for all of its requests. */
let second = Number.NaN;
let apache = "";
let iso = "";

function tell(at: number): void {
  const whole = Math.floor(at / 1000);
  if (whole === second) return;
  second = whole;
  iso = new Date(whole * 1000).toISOString().slice(0, 19);
  const [date = "", time = ""] = iso.split("T");
  const [year = "", month = "", day = ""] = date.split("-");
  apache = `${day}/${MONTHS[Number(month) - 1] ?? ""}/${year}:${time} +0000`;
}

/** `21/Nov/2026:15:46:10 +0000`. */
function apacheTime(at: number): string {
  tell(at);
  return apache;
}

/** `2026-11-21T15:46:10.123Z`. */
function isoTime(at: number): string {
  tell(at);
  return `${iso}.${String(at % 1000).padStart(3, "0")}Z`;
}
