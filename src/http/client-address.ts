import { BlockList, isIP } from "node:net";
import { withoutMapping } from "../auth/address.ts";

/** Finds out who a request comes from, where proxies stand in between. */
export type ClientAddress = (peer: string, headers: Headers) => string;

/** Finds out what a proxy was asked over. */
export type ForwardedScheme = (peer: string, headers: Headers) => string | null;

/**
 * `trusted`: addresses and networks (CIDR) of proxies whose X-Forwarded-For is believed.
 *
 * A proxy adds the address that it was called from at the end. So the list is read from there, for as long
 * as what was read is a proxy of ours: what stands before the first stranger he can have made up himself.
 */
export function clientAddresses(trusted: readonly string[]): ClientAddress {
  if (trusted.length === 0) return (peer) => peer;
  const isProxy = listed(trusted);
  return (peer, headers) => {
    let client = peer;
    const hops = headers.get("x-forwarded-for") ?? "";
    for (const hop of hops.split(",").toReversed()) {
      const address = plain(hop);
      if (!isProxy(client) || address === null) break;
      client = address;
    }
    return client;
  };
}

/** Finds out what a trusted proxy was asked over; null when none stands in between, or it does not say. */
export function forwardedSchemes(trusted: readonly string[]): ForwardedScheme {
  if (trusted.length === 0) return () => null;
  const isProxy = listed(trusted);
  return (peer, headers) => (isProxy(peer) ? headers.get("x-forwarded-proto") : null);
}

function listed(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    list.addSubnet(address, Number(bits ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return (address) => {
    const simple = plain(address);
    return simple !== null && list.check(simple, isIP(simple) === 6 ? "ipv6" : "ipv4");
  };
}

/** Without a port, brackets, or the IPv6 form of an IPv4 address; null: it is no address. */
function plain(text: string): string | null {
  const trimmed = text.trim();
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(trimmed)?.[1] ?? trimmed;
  const address = withoutMapping(bare).replace(/^([\d.]+):\d+$/, "$1");
  return isIP(address) === 0 ? null : address;
}
