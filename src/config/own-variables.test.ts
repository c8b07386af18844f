import { describe, expect, test } from "bun:test";
import { ownVariables, VARIABLES } from "./own-variables.ts";

const values = (environment: Record<string, string>) =>
  Object.fromEntries(
    ownVariables(environment).map(({ path, value }) => [path.join("."), value] as const),
  );

describe("variables WHARF_…", () => {
  test.each([
    "WHARF_LISTEN",
    "WHARF_DATA",
    "WHARF_AUTH",
    "WHARF_AUTH_HTPASSWD",
    "WHARF_AUTH_TOKEN_ROOT_CERT_BUNDLE",
    "WHARF_PUBLIC_URL",
    "WHARF_TLS_CERTIFICATE",
    "WHARF_TLS_CLIENT_CAS",
    "WHARF_TRUSTED_PROXIES",
    "WHARF_READ_ONLY",
    "WHARF_DEBUG_LISTEN",
    "WHARF_LIMITS_REQUESTS_PER_SECOND",
    "WHARF_LOG_LEVEL",
  ])("exist for every setting that is one value or a list: %s", (variable) => {
    expect(VARIABLES.has(variable)).toBe(true);
  });

  test("never look like those that Kubernetes sets for a service called wharf", () => {
    const names = [...VARIABLES.keys()];

    expect(names.filter((name) => /^WHARF_(?:PORT|SERVICE)/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test("are read as what their setting is", () => {
    expect(
      values({
        WHARF_DELETE: "false",
        WHARF_READ_ONLY: "true",
        WHARF_LIMITS_CONNECTIONS: "7",
        WHARF_LIMITS_REQUESTS_PER_SECOND: "0.5",
        WHARF_DATA: "true",
        WHARF_PUBLIC_URL: "12",
        WHARF_TRUSTED_PROXIES: "10.0.0.0/8, ::1,",
      }),
    ).toEqual({
      delete: false,
      readOnly: true,
      "limits.connections": 7,
      "limits.requestsPerSecond": 0.5,
      data: "true",
      publicUrl: "12",
      trustedProxies: ["10.0.0.0/8", "::1"],
    });
  });

  test("that are not what their setting is are left for the schema to refuse", () => {
    expect(values({ WHARF_DELETE: "no", WHARF_LIMITS_CONNECTIONS: "1e3" })).toEqual({
      delete: "no",
      "limits.connections": "1e3",
    });
  });

  test("for auth as a word and as settings exclude each other", () => {
    expect(() => ownVariables({ WHARF_AUTH: "none", WHARF_AUTH_HTPASSWD: "/x" })).toThrow(
      "WHARF_AUTH and WHARF_AUTH_HTPASSWD exclude each other",
    );
  });
});
