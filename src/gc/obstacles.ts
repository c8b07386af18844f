/** Why nothing is collected at this moment. */
export interface Obstacle {
  readonly reason: string;
  /** In so many milliseconds it is over by itself, or looked at again; null: not by itself. */
  readonly endsIn: number | null;
}

export interface Situation {
  /** Somebody wants it: then it goes on outside of the configured times. */
  readonly asked: boolean;
  /** Why no change is taken any more; null while they are. */
  readonly writesStopped: string | null;
  readonly readOnly: boolean;
  /** Where another program has written into the tree. */
  readonly foreign: string | null;
  /** Whether the tree was compared after the start; null: not yet. */
  readonly compared: boolean | null;
  /** For how many milliseconds yet the registry has been up for less than the grace. */
  readonly young: number;
  /** For how many milliseconds yet a grace holds that was longer than the present one. */
  readonly longer: number;
  /** For how many milliseconds yet something may be relied on that was not written down. */
  readonly heldOff: number;
  readonly enabled: boolean;
  readonly inWindow: boolean;
}

const LOOK_AGAIN_MS = 1000;

/** Null: nothing stands in the way of a collection. Pure. */
export function obstacleOf(now: Situation): Obstacle | null {
  const lasting = (reason: string): Obstacle => ({ reason, endsIn: null });
  const passing = (reason: string, endsIn: number): Obstacle => ({ reason, endsIn });
  if (now.writesStopped !== null) return lasting(now.writesStopped);
  if (now.readOnly) return lasting("the registry is read-only");
  if (now.foreign !== null) {
    return lasting(`another program writes into the tree: ${now.foreign}`);
  }
  if (now.compared === null) {
    return passing("the tree is being compared with what is known of it", LOOK_AGAIN_MS);
  }
  if (!now.compared) return lasting("the tree could not be compared with what is known of it");
  // Whoever was told something before this start has its grace, whatever the clock says.
  if (now.young > 0) return passing("the registry was started less than the grace ago", now.young);
  if (now.longer > 0) return passing("the grace was longer a while ago", now.longer);
  if (now.heldOff > 0) {
    return passing("what clients were told could not be written down", now.heldOff);
  }
  if (now.asked) return null;
  if (!now.enabled) return lasting("it is switched off (gc.enabled)");
  if (!now.inWindow) {
    return passing("it is outside of the configured hours (gc.window)", LOOK_AGAIN_MS);
  }
  return null;
}
