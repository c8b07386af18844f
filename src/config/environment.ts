/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Of this process, for what has to do with the machine and not with settings: which proxy leads out of it. */
export function processEnvironment(): Environment {
  return process.env;
}
