/**
 * Many appends a second over one call.
 *
 * Owns `AppendSession`: appends go out as they are asked for and are answered in that order, each with its own outcome.
 * Nothing is retried here: what is not answered when the session breaks fails as unavailable, and may be appended again
 * with the same events.
 */
import { create } from "@bufbuild/protobuf";

import type { Appended } from "./append.js";
import { appendedFromWire, appendToWire } from "./append.js";
import type { Cancellable, Connection } from "./connection.js";
import { invalidResponse, QuipuError, unavailable } from "./errors.js";
import type { NewEvent } from "./event.js";
import type { Expected } from "./expected.js";
import type { AppendSessionRequest, AppendSessionResponse } from "./gen/quipu/v1/event_store_pb.js";
import { AppendSessionRequestSchema } from "./gen/quipu/v1/event_store_pb.js";
import type { Guard } from "./guard.js";
import { Queue } from "./queue.js";
import { fromAppendFailure, fromFailure } from "./status.js";

/** How to open a session. */
export interface SessionOptions extends Cancellable {
  /** So many unanswered appends are allowed before `room` makes its caller wait; 1,024 by default. */
  readonly maxUnanswered?: number | undefined;
}

interface Unanswered {
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** A session of pipelined appends. */
export class AppendSession implements AsyncDisposable {
  readonly #outbox = new Queue<AppendSessionRequest>();
  readonly #unanswered: Unanswered[] = [];
  readonly #maxUnanswered: number;
  readonly #call = new AbortController();
  readonly #answering: Promise<void>;
  #waiting: (() => void)[] = [];
  #failure: unknown;
  #isEnded = false;

  /** @internal */
  constructor(connection: Connection, options: SessionOptions) {
    this.#maxUnanswered = options.maxUnanswered ?? 1_024;
    this.#answering = this.#answer(connection, options.signal);
  }

  /**
   * Puts one append into the session and resolves with its answer. Rejects as `Client.append` does; one that fails does
   * not end the session. Call it without awaiting each answer, look after each answer at once (`Promise.allSettled`
   * does), and await `room` in between.
   */
  append(
    stream: string,
    expected: Expected,
    events: readonly NewEvent[],
    guards: readonly Guard[] = [],
  ): Promise<Appended> {
    const append = appendToWire(stream, expected, events, guards);
    return new Promise((resolve, reject) => {
      if (this.#isEnded) throw this.#ended();
      this.#outbox.put(create(AppendSessionRequestSchema, { append }));
      this.#unanswered.push({ resolve, reject });
    });
  }

  /** Waits while too many appends are unanswered. */
  async room(): Promise<void> {
    while (this.#unanswered.length >= this.#maxUnanswered) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Ends the session when all its appends are answered. */
  async close(): Promise<void> {
    this.#isEnded = true;
    this.#outbox.end();
    await this.#answering;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
    const stop = (): void => this.#call.abort(signal?.reason);
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      connection.throwIfClosed();
      const options = connection.streaming(this.#call.signal);
      for await (const answer of connection.events.appendSession(this.#outbox, options)) this.#settle(answer);
      if (this.#unanswered.length > 0) throw unavailable("the session was cut short");
    } catch (failure) {
      this.#failure = signal?.aborted === true ? signal.reason : fromFailure(failure);
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#isEnded = true;
      this.#call.abort();
      for (const { reject } of this.#unanswered.splice(0)) reject(this.#failure);
      this.#wake();
    }
  }

  #settle({ outcome }: AppendSessionResponse): void {
    const asked = this.#unanswered.shift();
    if (asked === undefined) throw invalidResponse("an answer without an append");
    if (outcome.case === "appended") asked.resolve(appendedFromWire(outcome.value));
    else if (outcome.case === "failed") asked.reject(fromAppendFailure(outcome.value));
    else asked.reject(invalidResponse("an append's outcome is missing"));
    this.#wake();
  }

  /** Why nothing more can be appended. */
  #ended(): unknown {
    return this.#failure ?? new QuipuError("the session has ended already");
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
