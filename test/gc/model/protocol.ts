/**
 * The rules that the model can do without, one by one, to see what each is for. `docs/gc.md` names them.
 */
export interface Protocol {
  /** A push holds its digest while it moves its bytes into place and links them. */
  readonly custody: boolean;
  /** Nobody takes a digest into custody while a claim is under way whose outcome is not known yet. */
  readonly claimsExcludePushes: boolean;
  /** The tree has followed before anything is claimed. */
  readonly drain: boolean;
  /** What the journal still has to bring to the tree, or take from it, is not claimed. */
  readonly claimsSpareJournal: boolean;
  /** Both folders of a removed file are synced before the claim ends. */
  readonly syncBeforeSettling: boolean;
  /** What is wanted again stays claimed until its file is back. */
  readonly claimedUntilBack: boolean;
  /** A start ends claims before it replays the journal. */
  readonly claimsBeforeJournal: boolean;
  /** A file whose row in the trash is gone is removed at the next start. */
  readonly sweepsTrash: boolean;
  /** A file among the blobs that no row knows is put up for collection. */
  readonly findsStrangers: boolean;
  /** A moved file that a power cut has left with both names loses the old one. */
  readonly oneName: boolean;
  /** Nobody is told that something is here before that is written down. */
  readonly seesBeforeAnswering: boolean;
  /** Restoring does not take a file in place for a blob that is here, unless somebody links it. */
  readonly restoresOver: boolean;
  /** Collection removes a link only when nobody was told of it for the grace. */
  readonly grace: boolean;
}

export const PROTOCOL: Protocol = {
  custody: true,
  claimsExcludePushes: true,
  drain: true,
  claimsSpareJournal: true,
  syncBeforeSettling: true,
  claimedUntilBack: true,
  claimsBeforeJournal: true,
  sweepsTrash: true,
  findsStrangers: true,
  oneName: true,
  seesBeforeAnswering: true,
  restoresOver: true,
  grace: true,
};

export function without(...rules: readonly (keyof Protocol)[]): Protocol {
  return { ...PROTOCOL, ...Object.fromEntries(rules.map((rule) => [rule, false])) };
}
