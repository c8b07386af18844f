import { defined } from "./distribution-auth.ts";
import type { Section } from "./distribution-section.ts";

/** Where distribution's images listen. */
const ADDRESS = ":5000";

export function translateHttp(http: Section): Readonly<Record<string, unknown>> {
  const network = http.text("net") ?? "tcp";
  if (network !== "tcp") http.fault("net", "only tcp is supported");
  // Nothing is signed here that clients keep; ours are always relative, unless there is a host.
  http.needless("secret", "relativeurls", "http2");
  if (http.section("h2c").flag("enabled") === true) http.findings.unused.push(http.at("h2c"));
  const headers = http.section("headers");
  const settings = defined({
    listen: http.text("addr") ?? ADDRESS,
    publicUrl: host(http),
    prefix: prefix(http),
    tls: translateTls(http.section("tls")),
    debug: translateDebug(http.section("debug")),
    drain: drain(http),
  });
  return {
    ...settings,
    headers: Object.fromEntries(headers.keys().map((key) => [key, headers.texts(key)])),
  };
}

/** What is no whole URL is passed over in silence by distribution; here it is named. */
function host(http: Section): string | undefined {
  const text = http.text("host");
  if (text === undefined || /^https?:\/\/./.test(text)) return text;
  http.findings.remarks.push(`${http.at("host")} is not an http or https URL, and has no effect`);
  return undefined;
}

function prefix(http: Section): string | undefined {
  const text = http.text("prefix");
  return text === undefined || /^\/*$/.test(text) ? undefined : text;
}

/** Without it distribution ends at once; ours lets transfers end, which nobody minds. */
function drain(http: Section): string | undefined {
  const milliseconds = http.duration("draintimeout");
  return milliseconds ? `${Math.ceil(milliseconds)}ms` : undefined;
}

function translateDebug(debug: Section): Readonly<Record<string, unknown>> | undefined {
  const address = debug.text("addr");
  const prometheus = debug.section("prometheus");
  const path = prometheus.text("path") ?? "/metrics";
  prometheus.needless("enabled");
  if (path !== "/metrics") {
    prometheus.findings.remarks.push(
      `${prometheus.at("path")} has no effect: metrics are at /metrics`,
    );
  }
  return address === undefined ? undefined : { listen: address };
}

const MINIMA = new Map(
  Object.entries({
    "tls1.0": "1.2",
    "tls1.1": "1.2",
    "tls1.2": "1.2",
    "tls1.3": "1.3",
  }),
);

/** The one that Go has when certificates of clients are wanted. */
const REQUIRED = "require-and-verify-client-cert";

function translateTls(tls: Section): Readonly<Record<string, unknown>> | undefined {
  const letsencrypt = tls.section("letsencrypt");
  const wanted = ["cachefile", "email", "hosts"].filter((key) => letsencrypt.has(key));
  letsencrypt.needless(...letsencrypt.keys());
  if (wanted.length > 0) {
    tls.fault("letsencrypt", "is not supported; set certificate and key, or let a proxy do it");
  }
  const [certificate, key] = [tls.text("certificate"), tls.text("key")];
  const clientCAs = tls.texts("clientcas");
  const mode = tls.text("clientauth") ?? REQUIRED;
  const minimum = tls.text("minimumtls") ?? "tls1.2";
  const suites = tls.texts("ciphersuites");
  if (certificate === undefined && key === undefined) {
    if (clientCAs.length > 0) {
      tls.fault("clientcas", "is not in force without certificate and key");
    }
    return undefined;
  }
  if (certificate === undefined || key === undefined) {
    tls.fault(certificate === undefined ? "certificate" : "key", "must be set as well");
  }
  if (clientCAs.length > 0 && mode !== REQUIRED) {
    tls.fault("clientauth", `only ${REQUIRED} is supported`);
  }
  const version = MINIMA.get(minimum);
  if (version === undefined) tls.fault("minimumtls", "must be tls1.2 or tls1.3");
  else if (minimum !== `tls${version}`) {
    tls.findings.remarks.push(
      `${tls.at("minimumtls")}: ${version} is the oldest that is spoken here`,
    );
  }
  // TLS 1.3 has its own, which nobody can choose in distribution either.
  if (suites.length > 0 && version !== "1.3") {
    tls.fault("ciphersuites", "cannot be chosen; leave it out, or set minimumtls to tls1.3");
  }
  return defined({
    certificate,
    key,
    minimum: version,
    clientCAs: clientCAs.length > 0 ? clientCAs : undefined,
  });
}
