import { BlockList, isIP } from "node:net";
import { RegistryError } from "../../oci/errors.ts";
import { isLoopback } from "../../oci/loopback.ts";

/** The URL of the proxy for a request, or null: none. */
export type ProxyChoice = (url: URL) => string | null;

type Environment = Readonly<Record<string, string | undefined>>;

/** All requests go through this one, also to this machine: somebody has said so. Throws USAGE when it is none. */
export function fixedProxy(proxy: string): ProxyChoice {
  const url = checked(proxy, "proxy");
  return () => url;
}

/**
 * As HTTPS_PROXY, HTTP_PROXY and NO_PROXY say, in capitals or not, understood as Go does: this machine is
 * always asked directly. Throws USAGE when what they name is no proxy.
 */
export function environmentProxy(environment: Environment): ProxyChoice {
  const variable = (name: string): readonly [string, string] => {
    const lower = name.toLowerCase();
    return environment[name] ? [name, environment[name]] : [lower, environment[lower] ?? ""];
  };
  const read = ([name, value]: readonly [string, string]): string | null =>
    value === "" ? null : checked(value.includes("://") ? value : `http://${value}`, name);
  const secure = read(variable("HTTPS_PROXY"));
  const plain = read(variable("HTTP_PROXY"));
  if (secure === null && plain === null) return () => null;
  const excepted = exceptions(variable("NO_PROXY")[1]);
  return (url) => {
    const proxy = url.protocol === "https:" ? secure : plain;
    return proxy === null || isLoopback(url.hostname) || excepted(url) ? null : proxy;
  };
}

/** A proxy may pass on what it was shown: the forms in which that travels. */
export function proxySecrets(proxy: string | undefined, environment: Environment): string[] {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = environment;
  return [proxy, HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy].flatMap((value = "") => {
    const url = URL.parse(value.includes("://") ? value : `http://${value}`);
    if (!url?.password) return [];
    const { username, password } = url;
    const plain = `${unescaped(username)}:${unescaped(password)}`;
    return [password, unescaped(password), Buffer.from(plain).toString("base64")];
  });
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The value is not repeated: it may hold a password. */
function checked(value: string, from: string): string {
  const url = URL.parse(value);
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== "") return url.href;
  throw new RegistryError("USAGE", { reason: `${from} must be the http or https URL of a proxy` });
}

/** The hosts of a NO_PROXY: `*`, addresses, networks, and domains with all below; each with a port or without. */
function exceptions(list: string): (url: URL) => boolean {
  const entries = list
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter(Boolean);
  const networks = new BlockList();
  const names: { readonly name: string; readonly below: boolean; readonly port: string }[] = [];
  for (const entry of entries) {
    const [address = "", length] = entry.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (isIP(address) !== 0 && length !== undefined && /^\d{1,3}$/.test(length)) {
      if (Number(length) <= (family === "ipv6" ? 128 : 32))
        networks.addSubnet(address, Number(length), family);
      continue;
    }
    if (isIP(address) !== 0) {
      networks.addAddress(address, family);
      continue;
    }
    const [, host = "", port = ""] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    const name = host.replace(/^\[|\]$/g, "").replace(/^\*?\./, "");
    names.push({ name, below: /^\*?\./.test(host), port });
  }
  if (entries.includes("*")) return () => true;
  return ({ hostname, port, protocol }) => {
    const host = hostname.replace(/^\[|\]$/g, "");
    const family = isIP(host);
    if (family !== 0 && networks.check(host, family === 6 ? "ipv6" : "ipv4")) return true;
    const own = port || (protocol === "https:" ? "443" : "80");
    return names.some(
      (one) =>
        (one.port === "" || one.port === own) &&
        (host.endsWith(`.${one.name}`) || (!one.below && host === one.name)),
    );
  };
}
