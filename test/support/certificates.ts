import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clientPath } from "./peers.ts";
import { run } from "./run.ts";

/** Paths of two PEM files. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

const usual = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate for 127.0.0.1 that has signed itself; its common name is `name`. */
export async function selfSigned(folder: string, name: string): Promise<Pair> {
  const pair = paths(folder, name);
  const names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const out = ["-keyout", pair.key, "-out", pair.certificate];
  await openssl("req", "-x509", ...usual, "-days", "2", "-subj", `/CN=${name}`, ...names, ...out);
  return pair;
}

/** A certificate that `authority` has signed, for a client. */
export async function signedBy(authority: Pair, folder: string, name: string): Promise<Pair> {
  const pair = paths(folder, name);
  const request = join(folder, `${name}.csr`);
  await openssl("req", ...usual, "-subj", `/CN=${name}`, "-keyout", pair.key, "-out", request);
  const signer = ["-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial"];
  const out = ["-days", "2", "-out", pair.certificate];
  await openssl("x509", "-req", "-in", request, ...signer, ...out);
  return pair;
}

/** A certificate that `authority` has signed, for a server. `days`: below 0 it has ended. */
export async function hostCertificate(
  authority: Pair,
  folder: string,
  { name, names = "IP:127.0.0.1", days = 2 }: HostCertificate,
): Promise<Pair> {
  const pair = paths(folder, name);
  const request = join(folder, `${name}.csr`);
  const extensions = join(folder, `${name}.ext`);
  await writeFile(extensions, `subjectAltName=${names}\n`);
  await openssl("req", ...usual, "-subj", `/CN=${name}`, "-keyout", pair.key, "-out", request);
  const signer = ["-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial"];
  const out = ["-days", String(days), "-extfile", extensions, "-out", pair.certificate];
  await openssl("x509", "-req", "-in", request, ...signer, ...out);
  return pair;
}

export interface HostCertificate {
  /** The common name, and the name of its files. */
  readonly name: string;
  /** As openssl writes them: `IP:127.0.0.1,DNS:localhost`. */
  readonly names?: string;
  readonly days?: number;
}

/** The texts of the files, as servers want them. */
export async function textsOf({ certificate, key }: Pair): Promise<{ cert: string; key: string }> {
  return { cert: await readFile(certificate, "utf8"), key: await readFile(key, "utf8") };
}

function paths(folder: string, name: string): Pair {
  return { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
}

async function openssl(...words: string[]): Promise<void> {
  await run([clientPath("openssl"), ...words]);
}
