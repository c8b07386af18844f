import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWharf } from "../support/server.ts";

/** What the suite says at its end, by the words it uses. */
export type Summary = Readonly<
  Record<"Pass" | "FAIL" | "Error" | "Skip" | "Disabled" | "Total", number>
>;

/**
 * The suite of the OCI distribution spec, as an executable: its repository has the sources in
 * `conformance/`, and says how to build them. No package registry carries it, so it is never installed
 * by us: `OCI_CONFORMANCE` names it, or it is on the PATH as `oci-conformance`.
 */
export function findSuite(): string | null {
  return process.env["OCI_CONFORMANCE"] ?? Bun.which("oci-conformance");
}

/**
 * Runs the suite against a fresh server with every test that its configuration can enable: version
 * `dev` turns all of them on, also manifests with missing parts, which `sparse` allows.
 */
export async function runSuite(executable: string): Promise<{ summary: Summary; output: string }> {
  const folder = await mkdtemp(join(tmpdir(), "wharf-conformance-"));
  const server = await startWharf({ data: join(folder, "data"), env: { WHARF_SPARSE: "true" } });
  try {
    const suite = Bun.spawn([executable], {
      cwd: folder,
      env: { OCI_VERSION: "dev", OCI_REGISTRY: server.host, OCI_TLS: "disabled", OCI_LOG: "error" },
      stdout: "pipe",
      stderr: "ignore",
    });
    const output = await new Response(suite.stdout).text();
    await suite.exited;
    return { summary: summarise(output), output };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function summarise(output: string): Summary {
  const count = (word: string): number => {
    const found = new RegExp(`^  ${word}\\.+: +(\\d+)$`, "m").exec(output);
    if (!found) throw new Error(`the suite printed no count of ${word}:\n${output.slice(-2000)}`);
    return Number(found[1]);
  };
  return {
    Pass: count("Pass"),
    FAIL: count("FAIL"),
    Error: count("Error"),
    Skip: count("Skip"),
    Disabled: count("Disabled"),
    Total: count("Total"),
  };
}
