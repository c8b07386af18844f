import { describe, expect, test } from "bun:test";
import { hashPassword, verifyNobody, verifyPassword } from "./passwords.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Made by crypt(3) of libxcrypt, which Apache and PAM use. */
const OF_CRYPT = {
  hello: "$2b$05$abcdefghijklmnopqrstuuWHxnxkyNt6AHCwFMQaY6auyqJA8E98a",
  seventyTwo: "$2y$05$abcdefghijklmnopqrstuuGUnCqbfgs3htOkLrFduUjAyLBw1Rq/u",
  seventyOne: "$2y$05$abcdefghijklmnopqrstuuldF68XqW1jV1pTkp5QRjAP2izYsMp1u",
  notUtf8: "$2y$05$abcdefghijklmnopqrstuuA4q3dyYGqL/ev7ZzCtjdfIc8lHmlQhy",
};

test.each(["$2a$", "$2b$", "$2y$"])("a hash that begins with %s is taken", async (kind) => {
  const hash = OF_CRYPT.hello.replace("$2b$", kind);
  expect(await verifyPassword(bytes("hello"), hash)).toBe(true);
  expect(await verifyPassword(bytes("hellp"), hash)).toBe(false);
});

test("of a long password the first 72 bytes count, as everywhere", async () => {
  for (const length of [72, 73, 80, 5000]) {
    const password = bytes("a".repeat(length));
    expect(await verifyPassword(password, OF_CRYPT.seventyTwo)).toBe(true);
    expect(await verifyPassword(password, OF_CRYPT.seventyOne)).toBe(false);
  }
  expect(await verifyPassword(bytes("a".repeat(71)), OF_CRYPT.seventyOne)).toBe(true);
});

test("a password is bytes, in whatever encoding", async () => {
  const password = new Uint8Array([0x70, 0xc3, 0xa4, 0x73, 0x73, 0xff]);
  expect(await verifyPassword(password, OF_CRYPT.notUtf8)).toBe(true);
  expect(await verifyPassword(bytes("päss"), OF_CRYPT.notUtf8)).toBe(false);
});

test("no empty password is right, nor one with a NUL", async () => {
  expect(await verifyPassword(bytes(""), OF_CRYPT.hello)).toBe(false);
  expect(await verifyPassword(bytes("hello\0"), OF_CRYPT.hello)).toBe(false);
  expect(await verifyPassword(bytes("hello\0hello"), OF_CRYPT.hello)).toBe(false);
});

test.each(["", "x", "$2a$31$", "$2b$05$short", "$argon2id$v=19$m=65536,t=2,p=1$YWE$YWE"])(
  "what is no hash is nobody's: %p",
  async (hash) => {
    expect(await verifyPassword(bytes("hello"), hash)).toBe(false);
  },
);

test("nobody's password is never right, also where it is somebody's", async () => {
  expect(await verifyNobody(bytes("hello"), OF_CRYPT.hello)).toBe(false);
  expect(await verifyNobody(bytes("xxx"), undefined)).toBe(false);
});

describe("a new hash", () => {
  test("is one that htpasswd could have written, and is right for its password alone", async () => {
    const hash = await hashPassword(bytes("hello"), 5);
    expect(hash).toMatch(/^\$2y\$05\$[./A-Za-z0-9]{53}$/);
    expect(await verifyPassword(bytes("hello"), hash)).toBe(true);
    expect(await verifyPassword(bytes("hellp"), hash)).toBe(false);
    expect(await hashPassword(bytes("hello"), 5)).not.toBe(hash);
  });

  test("of a long password is that of its first 72 bytes", async () => {
    const hash = await hashPassword(bytes("b".repeat(100)), 5);
    expect(await verifyPassword(bytes("b".repeat(72)), hash)).toBe(true);
    expect(await verifyPassword(bytes("b".repeat(71)), hash)).toBe(false);
  });

  test("is not made of nothing, or of what a C program would cut off", () => {
    expect(hashPassword(bytes(""), 5)).rejects.toThrow("empty");
    expect(hashPassword(bytes("a\0b"), 5)).rejects.toThrow("NUL");
  });
});
