/** Ends a command with this exit code: all that there is to say was said. */
export class Exit extends Error {
  override readonly name = "Exit";

  constructor(readonly code: number) {
    super(`exit code ${code}`);
  }
}
