import { RegistryError } from "../../src/oci/errors.ts";

/** The error of ours that a piece of work ends with. Anything else, also success, fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<RegistryError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RegistryError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
