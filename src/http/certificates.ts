import { X509Certificate, createHash, createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { certificatesIn } from "../auth/pem.ts";
import type { Config } from "../config/schema.ts";
import { RegistryError } from "../oci/errors.ts";
import type { TlsOptions } from "./listener.ts";

export type TlsSettings = NonNullable<Config["tls"]>;

/** What the files say, checked. */
export interface Certificates {
  readonly options: TlsOptions;
  /** Of the first certificate: whose it is, and until when it is good in UTC milliseconds. */
  readonly subject: string;
  readonly expires: number;
  /** Changes with any byte of any file, and with the settings. */
  readonly fingerprint: string;
}

/**
 * Reads the files of the `tls` setting, following symbolic links. Throws CONFIG_INVALID, with the file
 * and what is wrong with it, when they cannot be read, are not PEM, or do not belong together.
 */
export function readCertificates(tls: TlsSettings): Certificates {
  const cert = read("certificate", tls.certificate);
  const key = read("key", tls.key);
  const clientCAs = tls.clientCAs?.map((file) => read("clientCAs", file)) ?? null;
  const [own] = parse("certificate", tls.certificate, cert);
  (tls.clientCAs ?? []).forEach((file, index) => {
    parse("clientCAs", file, clientCAs?.[index] ?? "");
  });
  if (!own?.checkPrivateKey(parseKey(tls.key, key))) {
    throw invalid("key", tls.key, `it is not the key of the certificate in ${tls.certificate}`);
  }
  const options = { cert, key, clientCAs, minimum: tls.minimum };
  return {
    options,
    subject: own.subject.replaceAll("\n", ", ") || (own.subjectAltName ?? ""),
    expires: Date.parse(own.validTo),
    fingerprint: createHash("sha256").update(JSON.stringify(options)).digest("hex"),
  };
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(setting, file, `it cannot be read (${(error as Error).message})`);
  }
}

function parse(setting: string, file: string, text: string): X509Certificate[] {
  const blocks = certificatesIn(text);
  if (blocks.length === 0) throw invalid(setting, file, "there is no PEM certificate in it");
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw invalid(setting, file, "a certificate in it cannot be read");
  }
}

function parseKey(file: string, text: string) {
  try {
    return createPrivateKey(text);
  } catch {
    // What the library says may show some of the key.
    throw invalid("key", file, "there is no PEM key without a password in it");
  }
}

function invalid(setting: string, file: string, reason: string): RegistryError {
  return new RegistryError("CONFIG_INVALID", { reason: `tls.${setting}: ${file}: ${reason}` });
}
