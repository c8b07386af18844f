/** Whether a host, also as a URL has it (`[::1]`), can only be this machine. Pure. */
export function isLoopback(hostname: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|\[?::1\]?|localhost)$/.test(hostname);
}
