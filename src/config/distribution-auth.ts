import type { Section } from "./distribution-section.ts";

/** Settings of authentication; nothing when the configuration has none. */
export function translateAuth(top: Section): Readonly<Record<string, unknown>> {
  // `auth: htpasswd` is short for a map with this one key.
  const short = top.isText("auth") ? top.text("auth") : undefined;
  const auth = short === undefined ? top.section("auth") : null;
  const providers = auth?.keys() ?? [short ?? ""];
  const [provider] = providers;
  if (provider === undefined) return {};
  if (providers.length > 1) {
    top.fault("auth", `names several providers (${providers.join(", ")}); only one can be meant`);
    auth?.needless(...providers);
    return {};
  }
  switch (provider.toLowerCase()) {
    case "none":
      auth?.needless(provider);
      return { auth: "none" };
    case "htpasswd":
      return { auth: htpasswd(required(top, auth, provider, ["realm", "path"])) };
    case "token":
      return { auth: token(required(top, auth, provider, ["realm", "service", "issuer"])) };
    case "silly":
      auth?.needless(provider);
      top.fault("auth", "silly lets everybody in who says anything; say none if that is meant");
      return {};
    default:
      auth?.needless(provider);
      top.fault("auth", `the provider ${provider} is not supported`);
      return {};
  }
}

function required(
  top: Section,
  auth: Section | null,
  provider: string,
  keys: readonly string[],
): Section {
  if (auth === null) {
    top.fault(`auth.${provider}`, `${keys.join(", ")} must be set`);
    return top.section(`auth.${provider}`);
  }
  const options = auth.section(provider);
  for (const key of keys) if (!options.has(key)) options.fault(key, "must be set");
  return options;
}

function htpasswd(options: Section): Readonly<Record<string, unknown>> {
  return defined({ realm: options.text("realm"), htpasswd: options.text("path") });
}

function token(options: Section): Readonly<Record<string, unknown>> {
  if (options.flag("autoredirect") === true) {
    options.fault("autoredirect", "is not supported; let realm be the URL of the token server");
  }
  options.needless("autoredirectpath");
  const algorithms = options.texts("signingalgorithms");
  if (!options.has("rootcertbundle") && !options.has("jwks")) {
    options.fault("rootcertbundle", "this or jwks must be set, to know whose tokens are genuine");
  }
  return {
    token: defined({
      realm: options.text("realm"),
      service: options.text("service"),
      issuer: options.text("issuer"),
      rootCertBundle: options.text("rootcertbundle"),
      jwks: options.text("jwks"),
      signingAlgorithms: algorithms.length > 0 ? algorithms : undefined,
    }),
  };
}

/** Without the keys that have no value. */
export function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
