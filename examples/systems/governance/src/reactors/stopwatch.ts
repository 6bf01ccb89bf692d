/**
 * How long handlers take.
 *
 * Owns `Stopwatch`: counts and times by the name of the handler. The client's own metrics tell the same by event type.
 */

/** The calls of one handler. */
export interface HandlerTimes {
  readonly calls: number;
  readonly failures: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** Measures handlers. */
export class Stopwatch {
  readonly #times = new Map<string, HandlerTimes>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Calls a handler, and counts how long it took, however it ended. */
  async measure(name: string, handler: () => Promise<void> | void): Promise<void> {
    const begun = this.#now();
    let failures = 1;
    try {
      await handler();
      failures = 0;
    } finally {
      this.#add(name, this.#now() - begun, failures);
    }
  }

  /** The times so far, by handler. */
  times(): Readonly<Record<string, HandlerTimes>> {
    return Object.fromEntries(this.#times);
  }

  #add(name: string, ms: number, failures: number): void {
    const before = this.#times.get(name) ?? { calls: 0, failures: 0, totalMs: 0, maxMs: 0 };
    this.#times.set(name, {
      calls: before.calls + 1,
      failures: before.failures + failures,
      totalMs: before.totalMs + ms,
      maxMs: Math.max(before.maxMs, ms),
    });
  }
}
