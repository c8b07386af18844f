/** What the exit code of a command says; `docs/commands.md` has the same table. */
export const EXIT_CODES: readonly { readonly code: number; readonly means: string }[] = [
  { code: 0, means: "done" },
  { code: 1, means: "failed" },
  { code: 2, means: "wrong usage or configuration, or not confirmed" },
  { code: 3, means: "done in part: some of what was asked for was done, some was not" },
  { code: 4, means: "the registry wants credentials, or other ones" },
  {
    code: 5,
    means:
      "refused: by the registry's settings, or because something changed after the plan was shown",
  },
  { code: 6, means: "damage found" },
  { code: 130, means: "cancelled with Ctrl-C" },
  { code: 143, means: "stopped with SIGTERM" },
];
