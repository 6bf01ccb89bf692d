/**
 * What a process is told by its environment.
 */

/** The value of a variable that must be set. */
export function told(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} must be set`);
  return value;
}

/** The server's address, such as `127.0.0.1:2113`. */
export function address(): string {
  return told("ADDRESS");
}

/** Says something to who has started this process: one JSON value a line. */
export function say(message: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
