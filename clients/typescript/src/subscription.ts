/**
 * A subscription in progress.
 *
 * Owns `Subscription`: it hands out what comes, remembers where it has got to, and after a break opens the call again
 * from there, so its caller sees each event exactly once and in order.
 */
import type { Connection } from "./connection.js";
import { unavailable } from "./errors.js";
import type { RecordedEvent as RecordedEventWire } from "./gen/quipu/v1/event_pb.js";
import type { RecordedEvent } from "./recorded.js";
import { RetryPolicy, Tries } from "./retry.js";
import type { Followed, Following, Heard, Signal } from "./subscribe.js";
import { SILENCE_MS } from "./subscribe.js";
import { watched } from "./watched.js";

/** What a subscription delivers: the next events, in order and never none, or a signal. */
export type Message = { readonly kind: "events"; readonly events: readonly RecordedEvent[] } | Signal;

/**
 * Follows the log or a stream, without an end. It begins when it is first asked for something, and ends when the walk
 * over it does, when it is closed, or when its signal is aborted. It can be walked over once, by events or by messages.
 */
export class Subscription implements AsyncIterable<RecordedEvent>, AsyncDisposable {
  readonly #connection: Connection;
  readonly #follow: () => Promise<Followed>;
  readonly #options: Following;
  readonly #ending = new AbortController();
  readonly #heard: AsyncGenerator<Heard, void, undefined>;
  #first: Promise<IteratorResult<Heard, void>> | undefined;

  /** @internal */
  constructor(connection: Connection, follow: () => Promise<Followed>, options: Following) {
    this.#connection = connection;
    this.#follow = follow;
    this.#options = options;
    this.#heard = this.#listen();
  }

  /**
   * Begins, and returns when the place in the log is known: with `from: "end"`, whatever is appended from then on is
   * delivered. Throws what the first try throws, such as `BEYOND_END`; until then it is retried as any call is.
   */
  async ready(): Promise<this> {
    this.#first ??= this.#heard.next();
    await this.#first;
    return this;
  }

  /** Events and signals. */
  async *messages(): AsyncGenerator<Message, void, undefined> {
    for await (const heard of this.#all()) {
      if (heard.kind === "events") yield { kind: heard.kind, events: heard.events.map((event) => this.#upcast(event)) };
      else yield heard;
    }
  }

  /** Events; signals are passed over. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordedEvent, void, undefined> {
    for await (const heard of this.#all()) {
      if (heard.kind !== "events") continue;
      for (const event of heard.events) yield this.#upcast(event);
    }
  }

  /** Ends it; a walk over it ends as if there were no more. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#heard.return();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #upcast(event: RecordedEventWire): RecordedEvent {
    return this.#connection.recorded(event);
  }

  async *#all(): AsyncGenerator<Heard, void, undefined> {
    try {
      const first = await this.#first;
      this.#first = undefined;
      if (first?.done === true) return;
      if (first !== undefined) yield first.value;
      yield* this.#heard;
    } finally {
      await this.close();
    }
  }

  async *#listen(): AsyncGenerator<Heard, void, undefined> {
    const { signal, silenceMs = SILENCE_MS, retry = RetryPolicy.forever } = this.#options;
    const stop = (): void => this.#ending.abort(signal?.reason);
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      const followed = await this.#follow();
      let isBegun = false;
      let tries = new Tries(this.#connection.settings.retry);
      for (;;) {
        let isNew = isBegun;
        try {
          this.#connection.throwIfClosed();
          const open = (call: AbortSignal) => followed.open(this.#connection.streaming(call));
          for await (const heard of watched(open, silenceMs, this.#ending.signal)) {
            if (!isBegun) tries = new Tries(retry);
            isBegun = true;
            tries.succeeded();
            if (isNew) yield { kind: "reconnected" };
            isNew = false;
            followed.passed(heard);
            yield heard;
          }
          throw unavailable("the subscription was cut short");
        } catch (failure) {
          await this.#connection.again(failure, tries, this.#ending.signal);
        }
      }
    } catch (failure) {
      // A subscription that was closed just ends; one whose signal was aborted says so.
      if (!this.#ending.signal.aborted || signal?.aborted === true) throw failure;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}
