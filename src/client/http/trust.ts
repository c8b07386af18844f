import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { RegistryError } from "../../oci/errors.ts";

/** PEM texts, as `fetch` wants them. */
export interface Identity {
  /** Who may have signed a server's certificate. */
  readonly ca?: string;
  /** Ours, for servers that want to see one. */
  readonly cert?: string;
  readonly key?: string;
}

/** What is believed, and shown, at an address. */
export type Trust = (url: URL) => Identity | undefined;

/** Where docker and podman have certificates by the `HOST[:PORT]` of a registry. */
export const CERTIFICATE_FOLDERS = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

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
  const elsewhere = identity(everywhere);
  const here = {
    ...identity([...everywhere, ...local]),
    ...(pair?.cert && pair.key && { cert: pair.cert, key: pair.key }),
  };
  return (url) => (url.host === host ? here : elsewhere);
}

function identity(authorities: readonly string[]): Identity {
  // A list of one's own takes the place of the usual ones.
  return authorities.length === 0 ? {} : { ca: [...authorities, ...rootCertificates].join("\n") };
}

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
