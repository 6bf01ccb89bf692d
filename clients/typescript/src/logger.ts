/**
 * Where the client tells what nobody asked for.
 *
 * Owns `Logger`. What is told never quotes a payload.
 */

/** Takes log lines. `console` is one. */
export interface Logger {
  /** What helps to find a fault, such as a reconnection. */
  debug(message: string): void;
  /** What somebody should look at, such as a snapshot that could not be saved. */
  warn(message: string): void;
}

/** Warnings to standard error, and nothing else. */
export const defaultLogger: Logger = {
  debug: () => undefined,
  warn: (message) => console.warn(`quipu: ${message}`),
};

/** An error in words, for a log line or a reason: its type and message, without a stack. */
export function inWords(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
