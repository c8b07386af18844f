/** Who sends from an address: with IPv6 everybody has 2^64 of them, which count as one. Pure. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [front = "", back] = address.split("::");
  const parts = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const groups = parts(front);
  const behind = parts(back ?? "");
  // `::` stands for as many zeros as are missing.
  while (groups.length + behind.length < 8) groups.push("0");
  return `${[...groups, ...behind].slice(0, 4).join(":")}::/64`;
}
