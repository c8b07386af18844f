import { expect, test } from "bun:test";
import {
  type CertificateOptions,
  holder,
  type Holder,
  keyPair,
} from "../../../test/support/holders.ts";
import { leafOfChain, readCertificate } from "./chain.ts";

const now = Date.now();

function vouched(chain: readonly Holder[], ...roots: readonly Holder[]): boolean {
  const trusted = roots.map(({ certificate }) => readCertificate(certificate.raw));
  const leaf = leafOfChain(
    chain.map(({ base64 }) => base64),
    trusted,
    now,
  );
  if (leaf) expect(leaf.raw.equals(chain[0]!.certificate.raw)).toBe(true);
  return leaf !== null;
}

const authority: CertificateOptions = { ca: true, keyUsage: "certSign", type: "ec" };
const root = holder("root", authority);
const between = holder("between", { ...authority, by: root });
const leaf = holder("leaf", { by: between, type: "ec" });

test("a way from the first certificate to a root is found, in whatever order the others stand", () => {
  const other = holder("other", { ...authority, by: root });
  expect(vouched([leaf, between], root)).toBe(true);
  expect(vouched([leaf, other, root, between], root)).toBe(true);
  expect(vouched([leaf], root)).toBe(false);
  expect(vouched([between], root)).toBe(true);
  expect(vouched([leaf], leaf)).toBe(true);
  expect(vouched([leaf, between])).toBe(false);
  expect(vouched([])).toBe(false);
});

test("a way may not be longer than an authority on it allows", () => {
  const short = holder("short", { ...authority, pathLength: 0 });
  const below = holder("below", { ...authority, by: short });
  expect(vouched([below], short)).toBe(true);
  expect(vouched([holder("end", { by: below, type: "ec" }), below], short)).toBe(false);
  const one = holder("one", { ...authority, pathLength: 1 });
  const two = holder("two", { ...authority, by: one });
  expect(vouched([holder("end", { by: two, type: "ec" }), two], one)).toBe(true);
});

test("a time, an extension or a key that is wrong anywhere on the way closes it", () => {
  const day = 86_400_000;
  const wrong: readonly CertificateOptions[] = [
    { notAfter: now - day, notBefore: now - 2 * day },
    { notBefore: now + day, notAfter: now + 2 * day },
    { strange: true },
    { ca: false },
    { ca: null },
    { keyUsage: "digitalSignature" },
  ];
  for (const change of wrong) {
    const step = holder("step", { ...authority, ...change, by: root });
    expect(vouched([holder("end", { by: step, type: "ec" }), step], root)).toBe(false);
    const own = holder("own", { ...authority, ...change });
    expect(vouched([holder("end", { by: own, type: "ec" })], own)).toBe(false);
  }
});

test("certificates that all vouch for each other are given up, and soon", () => {
  const keys = keyPair("ec");
  const circle = Array.from({ length: 7 }, () => holder("circle", { ...authority, keys }));
  const end = holder("end", { by: { ...circle[0]!, ...keys }, type: "ec" });
  const verify = circle[0]!.certificate.constructor.prototype as {
    verify: (key: unknown) => boolean;
  };
  const original = verify.verify;
  let checks = 0;
  verify.verify = function (this: unknown, key) {
    checks++;
    return original.call(this, key);
  };
  try {
    expect(vouched([end, ...circle], root)).toBe(false);
  } finally {
    verify.verify = original;
  }
  expect(checks).toBeGreaterThan(0);
  expect(checks).toBeLessThanOrEqual(20);
});

test("more certificates than any real chain has are not even read", () => {
  expect(
    leafOfChain(
      Array.from({ length: 9 }, () => leaf.base64),
      [],
      now,
    ),
  ).toBeNull();
  expect(vouched([leaf, between, ...Array.from({ length: 7 }, () => root)], root)).toBe(false);
});
