/** The most that a notification may have, in bytes: a registry of ours sends up to 1,000 events at once. */
export const BODY_LIMIT = 4 * 1024 * 1024;
