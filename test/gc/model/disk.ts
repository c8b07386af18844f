/**
 * The names on a disk that programs see, those that a power cut leaves, and what was done in between and
 * not synced. `place`: the blob's file; `trash N`: of a removal; `tree a`: a link.
 */
export interface ModelDisk {
  seen: string[];
  kept: string[];
  pending: Change[];
}

type Change =
  | { readonly make: string }
  | { readonly drop: string }
  | { readonly from: string; readonly to: string };

export function newDisk(names: readonly string[]): ModelDisk {
  return { seen: [...names].toSorted(), kept: [...names].toSorted(), pending: [] };
}

export function has(disk: ModelDisk, name: string): boolean {
  return disk.seen.includes(name);
}

export function make(disk: ModelDisk, name: string): void {
  if (!has(disk, name)) change(disk, { make: name });
}

export function drop(disk: ModelDisk, name: string): void {
  if (has(disk, name)) change(disk, { drop: name });
}

export function move(disk: ModelDisk, from: string, to: string): void {
  change(disk, { from, to });
}

/** Syncs the folders in which these names are; all of them when none is named. */
export function sync(disk: ModelDisk, ...names: readonly string[]): void {
  const touched = (one: Change): boolean =>
    names.length === 0 || namesOf(one).some((name) => names.includes(name));
  disk.kept = disk.pending.filter(touched).reduce((kept, one) => after(kept, one), disk.kept);
  disk.pending = disk.pending.filter((one) => !touched(one));
}

/** All that can be there after a power cut: each change whole, or not at all, or a moved file with both names. */
export function afterPowerCut(disk: ModelDisk): ModelDisk[] {
  let all = [disk.kept];
  for (const one of disk.pending) {
    all = all.flatMap((kept) => [
      kept,
      after(kept, one),
      ...("to" in one ? [after(kept, { make: one.to })] : []),
    ]);
  }
  const distinct = new Map(all.map((kept) => [kept.join(), kept]));
  return [...distinct.values()].map((kept) => newDisk(kept));
}

function change(disk: ModelDisk, one: Change): void {
  disk.seen = after(disk.seen, one);
  disk.pending = [...disk.pending, one];
}

function namesOf(one: Change): string[] {
  if ("make" in one) return [one.make];
  return "drop" in one ? [one.drop] : [one.from, one.to];
}

function after(names: readonly string[], one: Change): string[] {
  const left = new Set(names);
  if ("make" in one) left.add(one.make);
  else if ("drop" in one) left.delete(one.drop);
  else {
    left.delete(one.from);
    left.add(one.to);
  }
  return [...left].toSorted();
}
