/** The certificates in a PEM text, each by itself; whatever else is in it does not count. Pure. */
export function certificatesIn(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
