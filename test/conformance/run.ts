/** `npm run conformance`: the whole report of the OCI suite, and a non-zero exit when anything did not pass. */
import { findSuite, runSuite } from "./suite.ts";

const executable = process.argv[2] ?? findSuite();
if (!executable) {
  console.error(
    "The conformance suite was not found. Build it from conformance/ of opencontainers/distribution-spec,\n" +
      "then: npm run conformance -- PATH (or set OCI_CONFORMANCE, or put it on the PATH as oci-conformance).",
  );
  process.exit(2);
}
const { summary, output } = await runSuite(executable);
console.log(output);
process.exit(summary.Pass === summary.Total ? 0 : 1);
