/**
 * The milliseconds that a Retry-After header asks for; null when it says nothing that can be read.
 *
 * @see RFC 9110, section 10.2.3: seconds, or a date
 */
export function retryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d{1,15}$/.test(header.trim())) return Number(header) * 1000;
  // All three forms of a date begin with the day of the week; Date.parse would take nearly anything.
  const date = /^[A-Z][a-z]+,? /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
