import { isIPv4, isIPv6 } from "node:net";

/**
 * From where an address can be reached. `reserved`: from nowhere that a registry could be at: link-local
 * (where clouds keep the credentials of their machines), multicast, documentation, the future.
 */
export type Reach = "public" | "private" | "loopback" | "reserved";

type Network = readonly [network: string, reach: Reach];

/** What is not public (IANA's special-purpose registries), and the two public ones where a cloud keeps secrets. */
const IPV4: readonly Network[] = [
  ["0.0.0.0/8", "loopback"],
  ["10.0.0.0/8", "private"],
  ["100.100.100.200/32", "reserved"],
  ["100.64.0.0/10", "private"],
  ["127.0.0.0/8", "loopback"],
  ["168.63.129.16/32", "reserved"],
  ["169.254.0.0/16", "reserved"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "reserved"],
  ["192.0.2.0/24", "reserved"],
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "private"],
  ["198.51.100.0/24", "reserved"],
  ["203.0.113.0/24", "reserved"],
  ["224.0.0.0/4", "reserved"],
  ["240.0.0.0/4", "reserved"],
];

const IPV6: readonly Network[] = [
  ["::/127", "loopback"],
  ["64:ff9b:1::/48", "private"],
  ["100::/64", "reserved"],
  ["2001::/23", "reserved"],
  ["2001:db8::/32", "reserved"],
  ["3fff::/20", "reserved"],
  ["5f00::/16", "reserved"],
  ["fd00:ec2::254/128", "reserved"],
  ["fc00::/7", "private"],
  ["fe80::/10", "reserved"],
  ["fec0::/10", "private"],
  ["ff00::/8", "reserved"],
];

/** Addresses with an IPv4 address inside that is the one that is reached, and where in the 128 bits that begins. */
const CARRIERS: readonly (readonly [network: string, at: number])[] = [
  ["::ffff:0:0/96", 96],
  ["::ffff:0:0:0/96", 96],
  ["64:ff9b::/96", 96],
  ["::/96", 96],
  ["2002::/16", 16],
];

interface Range {
  readonly value: bigint;
  readonly shift: bigint;
  readonly reach: Reach;
}

const ranges4 = IPV4.map(([network, reach]) => range(network, 32, reach));
const ranges6 = IPV6.map(([network, reach]) => range(network, 128, reach));
const carriers = CARRIERS.map(([network, at]) => ({ ...range(network, 128, "public"), at }));

/** Of an IP address, in any form that is written. What is none is `reserved`: nobody is asked there. Pure. */
export function reachOf(address: string): Reach {
  const plain = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (isIPv4(plain)) return reach4(bits4(plain));
  if (!isIPv6(plain)) return "reserved";
  const bits = bits6(plain);
  const own = ranges6.find((one) => bits >> one.shift === one.value);
  if (own) return own.reach;
  const carrier = carriers.find((one) => bits >> one.shift === one.value);
  return carrier ? reach4((bits >> BigInt(96 - carrier.at)) & 0xffff_ffffn) : "public";
}

/** Whether a host, as a URL has it, is an address and no name: a URL has IPv4 in one form only. Pure. */
export function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || isIPv4(hostname);
}

const RANK = { public: 0, private: 1, loopback: 2 } as const;

/**
 * Whether a server at `from` may lead us to `to`: never further into our own network than it is itself.
 * `privateToo`: into the private one it may. To a reserved address leads only that address. Pure.
 */
export function mayLead(from: string, to: string, privateToo = false): boolean {
  const target = reachOf(to);
  if (target === "public" || from === to) return true;
  if (target === "reserved") return false;
  if (privateToo) return true;
  const own = reachOf(from);
  return RANK[target] <= (own === "reserved" ? 0 : RANK[own]);
}

function reach4(bits: bigint): Reach {
  return ranges4.find((one) => bits >> one.shift === one.value)?.reach ?? "public";
}

function range(network: string, width: number, reach: Reach): Range {
  const [address = "", length] = network.split("/");
  const shift = BigInt(width - Number(length));
  return { value: (width === 32 ? bits4(address) : bits6(address)) >> shift, shift, reach };
}

function bits4(address: string): bigint {
  return address.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function bits6(address: string): bigint {
  // The end may be written as IPv4.
  const text = address.replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const bits = bits4(tail);
    return `${(bits >> 16n).toString(16)}:${(bits & 0xffffn).toString(16)}`;
  });
  const [front = "", back] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const head = groups(front);
  const tail = groups(back ?? "");
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].reduce(
    (bits, group) => (bits << 16n) | BigInt(`0x${group}`),
    0n,
  );
}
