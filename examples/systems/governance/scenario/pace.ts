/**
 * A limit to how fast something is done.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** Gives out turns, at most so many a second. */
export class Pace {
  readonly #intervalMs: number;
  #next = performance.now();

  constructor(perSecond: number) {
    this.#intervalMs = 1_000 / perSecond;
  }

  /** Waits for the next turn. */
  async next(): Promise<void> {
    const now = performance.now();
    const turn = Math.max(this.#next, now);
    this.#next = turn + this.#intervalMs;
    if (turn > now) await sleep(turn - now);
  }
}
