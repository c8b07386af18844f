import { realpathSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Whether a symbolic link leads to a folder that it lies in, however the path came there. Who walks into
 * such a link finds the same folders again, under longer and longer names; with two of them, without an
 * end that anyone lives to see.
 *
 * Links to elsewhere are fine: people move a repository to another disk that way.
 */
export function leadsInCircle(link: string, top: string): boolean {
  const target = realpathSync(link);
  const below = target === "/" ? target : `${target}/`;
  for (let above = dirname(link); above.length >= top.length; above = dirname(above)) {
    const real = realpathSync(above);
    if (real === target || real.startsWith(below)) return true;
    if (above === dirname(above)) break;
  }
  return false;
}
