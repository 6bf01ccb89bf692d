/**
 * When to try again, and after what pause.
 *
 * Owns `RetryPolicy`. Only errors that say the server is away are tried again, so whatever is retried must be safe to
 * repeat. Pauses double up to a limit, and half of each is drawn by lot, so that many clients do not come back in
 * step.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** How often and how fast a call is tried again while the server is unavailable. */
export interface RetryPolicy {
  /** How many tries in a row may fail, the first included; `Infinity` for no limit. */
  readonly attempts: number;
  /** The longest pause after the first failure, in milliseconds; each further failure doubles it. */
  readonly initialBackoffMs: number;
  /** No pause is longer than this, in milliseconds. */
  readonly maxBackoffMs: number;
}

const DEFAULT: RetryPolicy = { attempts: 8, initialBackoffMs: 50, maxBackoffMs: 2_000 };

export const RetryPolicy = {
  /** Eight tries, pauses up to 2 s: gives up after 2.5 to 5 s of pauses. */
  default: DEFAULT,
  /** One try. */
  none: { ...DEFAULT, attempts: 1 },
  /** As many tries as it takes. */
  forever: { ...DEFAULT, attempts: Infinity },
} as const;

/** The pause in milliseconds after so many failures in a row: from half of the full pause to all of it, by lot. */
export function backoffMs(policy: RetryPolicy, failures: number, lot = Math.random()): number {
  const full = Math.min(policy.initialBackoffMs * 2 ** Math.max(failures - 1, 0), policy.maxBackoffMs);
  return full * (0.5 + 0.5 * lot);
}

/** Waits so many milliseconds. Throws the signal's reason when it is aborted. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Counts failures in a row and says whether to go on. */
export class Tries {
  readonly #policy: RetryPolicy;
  #failures = 0;

  constructor(policy: RetryPolicy) {
    this.#policy = policy;
  }

  /** Something worked. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** Something failed: the pause before the next try in milliseconds, or none when the tries are used up. */
  failed(): number | undefined {
    this.#failures += 1;
    if (this.#failures >= this.#policy.attempts) return undefined;
    return backoffMs(this.#policy, this.#failures);
  }
}
