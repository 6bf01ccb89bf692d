/**
 * How a reactor is doing.
 *
 * Owns the counts of one reactor since it was made, to be read at any time.
 */

/** How long handlers took for events of a type, in milliseconds. */
export interface HandlerTime {
  /** How many calls. */
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
}

/** Counts of a reactor since it was made. */
export interface ReactorMetrics {
  /** Events that all their handlers dealt with. */
  readonly handled: number;
  /** Tries that failed and were to be made again. */
  readonly failed: number;
  /** Events that a handler had parked. The group parks others after their last try. */
  readonly parked: number;
  /** Events that a handler had skipped. */
  readonly skipped: number;
  /** Events without a handler, which were acknowledged. */
  readonly unhandled: number;
  /** Events in hand. */
  readonly inFlight: number;
  /** Calls of handlers by event type. */
  readonly handlerTime: Readonly<Record<string, HandlerTime>>;
}

/** @internal Counts what a reactor does. */
export class ReactorCounts {
  failed = 0;
  readonly #settled = { handled: 0, unhandled: 0, park: 0, skip: 0 };
  readonly #times = new Map<string, { count: number; sumMs: number; maxMs: number }>();

  /** A handler was called and took so long, however it ended. */
  took(type: string, ms: number): void {
    const time = this.#times.get(type) ?? { count: 0, sumMs: 0, maxMs: 0 };
    time.count += 1;
    time.sumMs += ms;
    time.maxMs = Math.max(time.maxMs, ms);
    this.#times.set(type, time);
  }

  /** An event was settled. */
  settled(how: "handled" | "unhandled" | "park" | "skip"): void {
    this.#settled[how] += 1;
  }

  read(inFlight: number): ReactorMetrics {
    const { handled, unhandled, park: parked, skip: skipped } = this.#settled;
    const { failed } = this;
    const handlerTime = Object.fromEntries([...this.#times].map(([type, time]) => [type, { ...time }]));
    return { handled, failed, parked, skipped, unhandled, inFlight, handlerTime };
  }
}
