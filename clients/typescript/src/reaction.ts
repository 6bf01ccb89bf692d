/**
 * One try at one event.
 *
 * Owns `Reactions`: it calls the handlers of an event, remembers which of them have succeeded, so that another try in
 * this process does not call them again, and says what the try comes to.
 */
import type { Handlers } from "./handlers.js";
import type { Logger } from "./logger.js";
import { inWords } from "./logger.js";
import type { ReactorCounts } from "./reactor-metrics.js";
import type { RecordedEvent } from "./recorded.js";

/** What a handler is told beside the event. */
export interface HandlerContext {
  /** Which try this is, from 1. */
  readonly tryNumber: number;
  /** Aborted when the reactor stops and its time is up. */
  readonly signal: AbortSignal;
}

/** Deals with an event. It must bear to be called again for an event that it has dealt with. */
export type Handler = (event: RecordedEvent, context: HandlerContext) => Promise<void> | void;

/** Thrown by a handler: the event is to be kept aside at once, with this reason. */
export class Park extends Error {
  override readonly name = "Park";
}

/** Thrown by a handler: the event is to be passed over, with this reason. */
export class Skip extends Error {
  override readonly name = "Skip";
}

/** What a try comes to. */
export type Verdict =
  { readonly kind: "handled" | "unhandled" } | { readonly kind: "retry" | "park" | "skip"; readonly reason: string };

/** So many events are remembered for which some handlers have succeeded. */
const REMEMBERED = 10_000;

/** @internal Tries at events. */
export class Reactions {
  readonly #handlers: Handlers<Handler>;
  readonly #counts: ReactorCounts;
  readonly #logger: Logger;
  /** The handlers that have succeeded, by the position of the event; the oldest first. */
  readonly #succeeded = new Map<bigint, Set<Handler>>();

  constructor(handlers: Handlers<Handler>, counts: ReactorCounts, logger: Logger) {
    this.#handlers = handlers;
    this.#counts = counts;
    this.#logger = logger;
  }

  /**
   * Calls the handlers of an event that have not succeeded yet, one after the other. One that fails does not keep the
   * others from being called; one that has the event parked or skipped does.
   */
  async react(stored: RecordedEvent, upcast: () => RecordedEvent, context: HandlerContext): Promise<Verdict> {
    let event: RecordedEvent;
    try {
      event = upcast();
    } catch (error) {
      return this.#failed(stored, error);
    }
    const handlers = this.#handlers.of(event, this.#logger);
    if (handlers.length === 0) return { kind: "unhandled" };
    let failure: { readonly error: unknown } | undefined;
    for (const handler of handlers) {
      if (this.#succeeded.get(event.position)?.has(handler) === true) continue;
      try {
        await this.#call(handler, event, context);
        this.#remember(event.position, handler);
      } catch (error) {
        if (error instanceof Park || error instanceof Skip) return this.#decided(error);
        failure ??= { error };
      }
    }
    if (failure !== undefined) return this.#failed(event, failure.error);
    return { kind: "handled" };
  }

  /** Forgets an event that is settled. */
  forget(position: bigint): void {
    this.#succeeded.delete(position);
  }

  async #call(handler: Handler, event: RecordedEvent, context: HandlerContext): Promise<void> {
    const begun = performance.now();
    try {
      await handler(event, context);
    } finally {
      this.#counts.took(event.type, performance.now() - begun);
    }
  }

  #remember(position: bigint, handler: Handler): void {
    const succeeded = this.#succeeded.get(position) ?? new Set();
    this.#succeeded.set(position, succeeded.add(handler));
    const [oldest] = this.#succeeded.keys();
    if (this.#succeeded.size > REMEMBERED && oldest !== undefined) this.#succeeded.delete(oldest);
  }

  #decided(word: Park | Skip): Verdict {
    return { kind: word instanceof Park ? "park" : "skip", reason: word.message };
  }

  #failed(event: RecordedEvent, error: unknown): Verdict {
    this.#counts.failed += 1;
    const reason = inWords(error);
    this.#logger.warn(`${event.toString()}: ${reason}`);
    return { kind: "retry", reason };
  }
}
