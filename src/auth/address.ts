/** Who sends from an address: with IPv6 everybody has 2^64 of them, which count as one. Pure. */
export function clientOf(address: string): string {
  const plain = withoutMapping(address);
  if (!plain.includes(":")) return plain;
  const [front = "", back] = plain.split("::");
  const parts = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const groups = parts(front);
  const behind = parts(back ?? "");
  // `::` stands for as many zeros as are missing.
  while (groups.length + behind.length < 8) groups.push("0");
  return `${[...groups, ...behind].slice(0, 4).join(":")}::/64`;
}

/** An IPv4 client of a socket for both families is shown as `::ffff:192.0.2.1`, and is the same client. Pure. */
export function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
