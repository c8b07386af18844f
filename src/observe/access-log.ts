/** What became of one request, for the access log. */
export interface Access {
  /** UTC milliseconds. */
  readonly at: number;
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
  const user = access.user === null ? "-" : escaped(access.user).replaceAll(" ", "\\x20");
  const asked = `${escaped(method)} ${escaped(path)} HTTP/1.1`;
  const from = `"${escaped(referer(access))}" "${escaped(access.userAgent ?? "")}"`;
  return `${address} - ${user || "-"} [${apacheTime(at)}] "${asked}" ${status} ${bytes} ${from}\n`;
}

function json(access: Access): string {
  const line = JSON.stringify({
    time: new Date(access.at).toISOString(),
    address: access.address,
    user: access.user,
    method: cut(access.method),
    path: cut(access.path),
    route: access.route,
    status: access.status,
    bytes: access.bytes,
    ms: Math.round(access.ms * 100) / 100,
    referer: cut(referer(access)),
    userAgent: cut(access.userAgent ?? ""),
  });
  // JSON leaves these as they are, and some of them are commands to a terminal.
  return `${line.replace(/[\u007f-\u009f\u2028\u2029]/g, hex4)}\n`;
}

/** Without its query and without a user: what another site keeps there is none of ours. */
function referer({ referer: whole }: Access): string {
  const [front = ""] = whole?.split(/[?#]/, 1) ?? [];
  return front.replace(/^([^/]*\/\/)[^/]*@/, "$1");
}

function cut(text: string): string {
  return text.length > LONGEST ? text.slice(0, LONGEST) : text;
}

/** Whatever is not printable ASCII, quotes and backslashes cannot end a field or move a cursor. */
function escaped(text: string): string {
  return cut(text).replace(/["\\]|[^\x20-\x7e]/g, (one) =>
    one === '"' || one === "\\" ? `\\${one}` : hexBytes(one),
  );
}

function hexBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}

function hex4(text: string): string {
  return `\\u${text.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
let second = Number.NaN;
let shown = "";

/** `21/Nov/2026:15:46:10 +0000`. Made once a second, not once a request. */
function apacheTime(at: number): string {
  const whole = Math.floor(at / 1000);
  if (whole === second) return shown;
  const [date = "", time = ""] = new Date(whole * 1000).toISOString().split(/[T.]/);
  const [year = "", month = "", day = ""] = date.split("-");
  second = whole;
  shown = `${day}/${MONTHS[Number(month) - 1] ?? ""}/${year}:${time} +0000`;
  return shown;
}
