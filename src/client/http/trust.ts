import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { RegistryError } from "../../oci/errors.ts";

/** PEM texts, as `fetch` wants them. */
export interface Identity {
  /** Who may have signed a server's certificate. */
  readonly ca?: string;
  /** Ours, for servers that want to see one. */
  readonly cert?: string;
  readonly key?: string;
}

/**
 * What is believed, and shown, at an address: one after the other until one of these is believed. Who asks
 * puts that first, for the next time.
 */
export type Trust = (url: URL) => Identity[];

/** Where docker and podman have certificates by the `HOST[:PORT]` of a registry. */
const CERTIFICATE_FOLDERS = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

/**
 * Who is believed for one registry: besides the usual authorities those in `ca`, at every address that it
 * leads to; and at its own host what stands in `certs.d`. There is also the certificate that we show,
 * which nobody else is shown.
 *
 * Throws USAGE when a file cannot be read or is no certificate.
 */
export function trustFor(
  host: string,
  ca: string | undefined,
  folders: readonly string[] = CERTIFICATE_FOLDERS,
): Trust {
  const everywhere = ca === undefined ? [] : [certificates(ca, "ca")];
  const own = folders.map((folder) => readFolder(join(folder, host)));
  const local = own.flatMap(({ authorities }) => authorities);
  const pair = own.find(({ cert }) => cert !== undefined);
  const shown = pair?.cert && pair.key ? { cert: pair.cert, key: pair.key } : {};
  const known = new Map<string, Identity[]>();
  return (url) => {
    let ways = known.get(url.host);
    if (!ways) {
      ways =
        url.host === host ? believed([...everywhere, ...local], shown) : believed(everywhere, {});
      if (known.size >= MOST_HOSTS) known.clear();
      known.set(url.host, ways);
    }
    return ways;
  };
}

/**
 * A list of one's own takes the place of the usual authorities, of which there are hundreds: `fetch` reads
 * all of them for each request, which takes longer than the request. So they are together only where a chain
 * has a part from here and a part from there.
 */
function believed(authorities: readonly string[], shown: Identity): Identity[] {
  if (authorities.length === 0) return [shown];
  const own = authorities.join("\n");
  const all = [own, ...getCACertificates("default")].join("\n");
  return [{ ...shown, ca: own }, shown, { ...shown, ca: all }];
}

const MOST_HOSTS = 256;

interface Certificates {
  readonly authorities: readonly string[];
  readonly cert?: string;
  readonly key?: string;
}

/** `*.crt` are authorities, `NAME.cert` and `NAME.key` ours. @see Docker, "Verify repository client with certificates" */
function readFolder(folder: string): Certificates {
  let names: string[];
  try {
    names = readdirSync(folder).toSorted();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return { authorities: [] };
    throw unusable(folder, `cannot be read (${code})`);
  }
  const path = (name: string): string => join(folder, name);
  const authorities = names
    .filter((name) => name.endsWith(".crt"))
    .map((name) => certificates(path(name), path(name)));
  const cert = names.find((name) => name.endsWith(".cert"));
  if (cert === undefined) return { authorities };
  const key = cert.replace(/cert$/, "key");
  if (!names.includes(key)) throw unusable(path(cert), `has no ${key} beside it`);
  return {
    authorities,
    cert: certificates(path(cert), path(cert)),
    key: read(path(key), path(key)),
  };
}

/** `shown`: a path that was configured is named by its setting. */
function certificates(path: string, setting: string): string {
  const text = read(path, setting);
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text)) {
    throw unusable(path, "has no certificate in it (PEM)");
  }
  return text;
}

function read(path: string, setting: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    throw unusable(setting === path ? path : `${setting}: ${path}`, `cannot be read (${code})`);
  }
}

function unusable(what: string, why: string): RegistryError {
  return new RegistryError("USAGE", { reason: `${what} ${why}` });
}
