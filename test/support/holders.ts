import { createSign, generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";

/** Somebody with a key pair and a certificate. */
export interface Holder {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificate: X509Certificate;
  /** As it stands in `x5c`. */
  readonly base64: string;
}

export interface CertificateOptions {
  /** Who signs it; unset: its holder. */
  readonly by?: Holder;
  /** basicConstraints; null: it has none. */
  readonly ca?: boolean | null;
  readonly pathLength?: number;
  /** keyUsage; unset: it has none. */
  readonly keyUsage?: "certSign" | "digitalSignature";
  /** UTC milliseconds. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly digest?: "sha256" | "sha1";
  /** A critical extension that nobody knows. */
  readonly strange?: boolean;
  /** Another key pair's certificate is made for this one. */
  readonly keys?: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly type?: "rsa" | "ec";
}

const DAY = 86_400_000;
let serial = 1;

/** Makes a certificate of version 3, with whatever is right or wrong in it that a test wants. */
export function holder(name: string, options: CertificateOptions = {}): Holder {
  const keys = options.keys ?? keyPair(options.type ?? "rsa");
  const signer = options.by ?? { name, privateKey: keys.privateKey };
  const digest = options.digest ?? "sha256";
  const rsa = signer.privateKey.asymmetricKeyType === "rsa";
  const algorithm = sequence(
    oid(rsa ? RSA[digest] : ECDSA[digest]),
    ...(rsa ? [element(0x05)] : []),
  );
  const body = sequence(
    element(0xa0, integer(2)),
    integer(serial++),
    algorithm,
    distinguished(signer.name),
    sequence(
      time(options.notBefore ?? Date.now() - DAY),
      time(options.notAfter ?? Date.now() + DAY),
    ),
    distinguished(name),
    keys.publicKey.export({ type: "spki", format: "der" }),
    element(0xa3, sequence(...extensions(options))),
  );
  const signature = createSign(digest).update(body).sign(signer.privateKey);
  const der = sequence(body, algorithm, element(0x03, Buffer.from([0]), signature));
  const certificate = new X509Certificate(der);
  return { name, ...keys, certificate, base64: der.toString("base64") };
}

export function keyPair(type: "rsa" | "ec"): { privateKey: KeyObject; publicKey: KeyObject } {
  return type === "rsa"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 })
    : generateKeyPairSync("ec", { namedCurve: "P-256" });
}

const RSA = { sha256: "2a864886f70d01010b", sha1: "2a864886f70d010105" };
const ECDSA = { sha256: "2a8648ce3d040302", sha1: "2a8648ce3d0401" };

function extensions({ ca = null, pathLength, keyUsage, strange }: CertificateOptions): Buffer[] {
  const extension = (id: string, value: Buffer): Buffer =>
    sequence(oid(id), element(0x01, Buffer.from([0xff])), element(0x04, value));
  const list: Buffer[] = [];
  if (ca !== null) {
    const parts = ca ? [element(0x01, Buffer.from([0xff]))] : [];
    if (pathLength !== undefined) parts.push(integer(pathLength));
    list.push(extension("551d13", sequence(...parts)));
  }
  if (keyUsage) {
    const bits = keyUsage === "certSign" ? [2, 0x04] : [7, 0x80];
    list.push(extension("551d0f", element(0x03, Buffer.from(bits))));
  }
  if (strange) list.push(extension("2a030405", element(0x05)));
  // An empty list of extensions is no certificate.
  list.push(sequence(oid("551d11"), element(0x04, sequence(element(0x82, Buffer.from("test"))))));
  return list;
}

function element(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return element(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return element(0x06, Buffer.from(hex, "hex"));
}

function integer(value: number): Buffer {
  return element(0x02, Buffer.from([0, value >> 8, value & 0xff].slice(value < 0x80 ? 2 : 0)));
}

function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, "");
  return element(0x18, Buffer.from(text));
}

function distinguished(name: string): Buffer {
  return sequence(element(0x31, sequence(oid("550403"), element(0x0c, Buffer.from(name)))));
}
