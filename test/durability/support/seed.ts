/** The seed of this run: `DURABILITY_SEED` repeats an earlier one. */
export function seedOfRun(): number {
  const given = process.env["DURABILITY_SEED"];
  return given === undefined ? (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) : Number(given);
}
