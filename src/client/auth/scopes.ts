/** Scopes of one challenge; more is none that a registry asks for. */
const MOST_SCOPES = 10;
const LONGEST_SCOPE = 1024;

/**
 * The scopes to ask a token server for: those of the challenge, cut down to what we are about to do. A token
 * goes to the registry, so one that was made for reading must not let it delete in our name. Pure.
 */
export function scopesFor(challenge: string | undefined, wanted: string): string[] {
  const allowed = new Set(actionsOf(wanted));
  const scopes = (challenge ?? "").split(" ").filter(Boolean).slice(0, MOST_SCOPES);
  const cut = scopes.map((scope) => {
    if (scope.length > LONGEST_SCOPE || !/^[\x21-\x7e]+$/.test(scope)) return null;
    // Some have scopes of their own form (`aws`), which say nothing of actions.
    if (!scope.includes(":")) return scope;
    const actions = actionsOf(scope).filter((action) => allowed.has(action));
    return actions.length === 0
      ? null
      : `${scope.slice(0, scope.lastIndexOf(":"))}:${actions.join(",")}`;
  });
  const left = cut.filter((scope) => scope !== null);
  return left.length > 0 ? left : [wanted];
}

function actionsOf(scope: string): string[] {
  return scope.slice(scope.lastIndexOf(":") + 1).split(",");
}
