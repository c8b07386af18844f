import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isAddress, mayLead, reachOf } from "./reach.ts";

const addresses: readonly [string, string][] = [
  ["1.1.1.1", "public"],
  ["93.184.216.34", "public"],
  ["9.255.255.255", "public"],
  ["11.0.0.0", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["100.63.255.255", "public"],
  ["2606:4700::1111", "public"],
  ["10.0.0.1", "private"],
  ["10.255.255.255", "private"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.168.1.1", "private"],
  ["100.64.0.1", "private"],
  ["198.18.0.5", "private"],
  ["fd12:3456::1", "private"],
  ["fec0::1", "private"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["0.0.0.0", "loopback"],
  ["::1", "loopback"],
  ["::", "loopback"],
  ["169.254.169.254", "reserved"],
  ["169.254.170.2", "reserved"],
  ["100.100.100.200", "reserved"],
  ["168.63.129.16", "reserved"],
  ["192.0.0.192", "reserved"],
  ["fd00:ec2::254", "reserved"],
  ["fe80::1", "reserved"],
  ["fe80::1%eth0", "reserved"],
  ["224.0.0.1", "reserved"],
  ["255.255.255.255", "reserved"],
  ["ff02::1", "reserved"],
  ["::ffff:10.0.0.1", "private"],
  ["::ffff:a00:1", "private"],
  ["[::ffff:a9fe:a9fe]", "reserved"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:1.1.1.1", "public"],
  ["::7f00:1", "loopback"],
  ["64:ff9b::10.0.0.1", "private"],
  ["64:ff9b::a9fe:a9fe", "reserved"],
  ["2002:a00:1::", "private"],
  ["2002:7f00:1::5", "loopback"],
  ["", "reserved"],
  ["example.com", "reserved"],
  ["2130706433", "reserved"],
];

test.each(addresses)("%p is %s", (address, reach) => {
  expect(reachOf(address)).toBe(reach as never);
});

/** As people hide an address, and what a URL makes of it: only that is ever looked at. */
test.each([
  ["2130706433", "loopback"],
  ["0x7f.1", "loopback"],
  ["0177.0.0.1", "loopback"],
  ["127.1", "loopback"],
  ["127。0。0。1", "loopback"],
  ["①②⑦.0.0.1", "loopback"],
  ["１０.0.0.1", "private"],
  ["127.0.0.1.", "loopback"],
  ["167772161", "private"],
  ["2852039166", "reserved"],
  ["0xa9.0xfe.0xa9.0xfe", "reserved"],
  ["[::ffff:169.254.169.254]", "reserved"],
  ["[0:0:0:0:0:ffff:0a00:0001]", "private"],
])("a URL's host %p is the address that it hides, and that is %s", (host, reach) => {
  const { hostname } = new URL(`https://${host}/`);

  expect(isAddress(hostname)).toBe(true);
  expect(reachOf(hostname)).toBe(reach as never);
});

describe("a server may lead us", () => {
  test.each([
    ["1.1.1.1", "8.8.8.8", true],
    ["1.1.1.1", "10.0.0.1", false],
    ["1.1.1.1", "127.0.0.1", false],
    ["1.1.1.1", "169.254.169.254", false],
    ["10.0.0.1", "192.168.0.1", true],
    ["10.0.0.1", "1.1.1.1", true],
    ["10.0.0.1", "127.0.0.1", false],
    ["10.0.0.1", "::1", false],
    ["127.0.0.1", "10.0.0.1", true],
    ["127.0.0.1", "::1", true],
    ["127.0.0.1", "169.254.169.254", false],
    ["169.254.1.1", "169.254.1.1", true],
    ["169.254.1.1", "169.254.169.254", false],
    ["169.254.1.1", "10.0.0.1", false],
    ["", "10.0.0.1", false],
    ["", "1.1.1.1", true],
  ])("from %p to %p: %p", (from, to, expected) => {
    expect(mayLead(from, to)).toBe(expected);
  });

  test("into the private network and to this machine when somebody said so, to what clouds keep never", () => {
    expect(mayLead("1.1.1.1", "10.0.0.1", true)).toBe(true);
    expect(mayLead("1.1.1.1", "127.0.0.1", true)).toBe(true);
    expect(mayLead("1.1.1.1", "169.254.169.254", true)).toBe(false);
    expect(mayLead("1.1.1.1", "fd00:ec2::254", true)).toBe(false);
  });

  test("never further in by another way of writing the same address", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const mapped = `::ffff:${address}`;
        expect(reachOf(mapped)).toBe(reachOf(address));
        expect(reachOf(new URL(`http://[${mapped}]/`).hostname)).toBe(reachOf(address));
      }),
    );
  });

  test("and any text is read without failing", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.ipV6(), fc.ipV4Extended()),
        (text) => void reachOf(text),
      ),
    );
  });
});
