import { expect, test } from "bun:test";
import { clientAddresses } from "./client-address.ts";

const headers = (forwardedFor: string | null): Headers =>
  new Headers(forwardedFor === null ? {} : { "x-forwarded-for": forwardedFor });

const PROXIES = ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::1"];

test.each([
  ["nobody in between", "198.51.100.1", null, "198.51.100.1"],
  ["a stranger who says he is another", "198.51.100.1", "203.0.113.9", "198.51.100.1"],
  ["a proxy", "10.1.2.3", "203.0.113.9", "203.0.113.9"],
  ["a proxy in the IPv6 form of its address", "::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"],
  ["a proxy with an IPv6 address", "fd00::5", "2001:db8::9", "2001:db8::9"],
  ["a proxy named alone", "192.0.2.7", "203.0.113.9", "203.0.113.9"],
  ["the neighbour of a proxy", "192.0.2.8", "203.0.113.9", "192.0.2.8"],
  ["two proxies", "10.1.2.3", "203.0.113.9, 10.9.9.9", "203.0.113.9"],
  ["what a client made up before a proxy", "10.1.2.3", "127.0.0.1, 203.0.113.9", "203.0.113.9"],
  ["proxies only", "10.1.2.3", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
  ["a proxy that says nothing", "10.1.2.3", null, "10.1.2.3"],
  ["a proxy that says nonsense", "10.1.2.3", "unknown", "10.1.2.3"],
  ["nonsense before a client", "10.1.2.3", "for=x, 203.0.113.9", "203.0.113.9"],
  ["nonsense before a proxy", "10.1.2.3", "203.0.113.9, <script>, 10.0.0.2", "10.0.0.2"],
  ["a port", "10.1.2.3", "203.0.113.9:4711", "203.0.113.9"],
  ["brackets and a port", "10.1.2.3", "[2001:db8::9]:4711", "2001:db8::9"],
  ["no address at all", "", "203.0.113.9", ""],
])("with %s", (_, peer, forwardedFor, client) => {
  expect(clientAddresses(PROXIES)(peer, headers(forwardedFor))).toBe(client);
});

test("without trusted proxies nobody is believed", () => {
  expect(clientAddresses([])("10.1.2.3", headers("203.0.113.9"))).toBe("10.1.2.3");
});
