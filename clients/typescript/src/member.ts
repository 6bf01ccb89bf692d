/**
 * Taking part in a consumer group.
 *
 * Owns `Member`, one call of `Consume`: deliveries come in, settlements go out. A break ends it; reconnecting is the
 * work of `Reactor`, which also knows what it has in hand.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";

import type { Cancellable, Connection } from "./connection.js";
import { unavailable } from "./errors.js";
import type { ConsumersConsumeRequest, ConsumersConsumeResponse, NackSchema } from "./gen/quipu/v1/consumers_pb.js";
import { ConsumersConsumeRequestSchema } from "./gen/quipu/v1/consumers_pb.js";
import { Queue } from "./queue.js";
import type { Delivery, Nack, SettleOutcome } from "./settle.js";
import { deliveryFromWire, nackToWire, outcomes } from "./settle.js";
import { fromFailure } from "./status.js";
import { SILENCE_MS } from "./subscribe.js";
import { watched } from "./watched.js";

/** How to take part. */
export interface ConsumeOptions extends Cancellable {
  /** How many events to have in flight at most; 100 by default, 10,000 at most. */
  readonly credits?: number | undefined;
  /** After so long a silence, in milliseconds, the server is given up; 45,000 by default, three heartbeats. */
  readonly silenceMs?: number | undefined;
}

/** A member of a group, from when it is made until the walk over its deliveries ends or it is closed. */
export class Member implements AsyncIterable<Delivery>, AsyncDisposable {
  readonly #outbox = new Queue<ConsumersConsumeRequest>();
  /** Deliveries that wait to be dealt with: no more of them than there are credits. */
  readonly #deliveries = new Queue<Delivery>();
  readonly #ending = new AbortController();
  readonly #asked = new Map<bigint, ((outcome: SettleOutcome) => void)[]>();
  #acks: bigint[] = [];
  #nacks: MessageInitShape<typeof NackSchema>[] = [];
  #isFinishing = false;
  #isEnded = false;

  /** @internal */
  constructor(connection: Connection, group: string, member: string, options: ConsumeOptions) {
    const { credits } = options;
    this.#send({ kind: { case: "join", value: { group, member, ...(credits !== undefined && { credits }) } } });
    void this.#take(connection, options);
  }

  /** Says that an event was dealt with. Resolves when the server has answered, and never rejects. */
  ack(position: bigint): Promise<SettleOutcome> {
    return this.#settle(position, () => this.#acks.push(position));
  }

  /** Says that an event was not dealt with. Resolves when the server has answered, and never rejects. */
  nack(nack: Nack): Promise<SettleOutcome> {
    const wire = nackToWire(nack);
    return this.#settle(nack.position, () => this.#nacks.push(wire));
  }

  /** Changes how many events to have in flight; 0 means no more for now. */
  setCredits(credits: number): void {
    this.#send({ kind: { case: "credits", value: credits } });
  }

  /**
   * Asks the server to end the call in order; the walk over the deliveries then ends. Settle first what is in hand:
   * nothing can be settled after this.
   */
  finish(): void {
    this.#isFinishing = true;
    this.#flush();
    this.#outbox.end();
  }

  /** Ends the call at once; what is in flight is delivered again, to this or another member. */
  close(): Promise<void> {
    this.#ending.abort();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * The deliveries, to be walked over once. Throws `GROUP_NOT_FOUND`, `MEMBER_EXISTS` when the group has a member of
   * this name, and an error that is retryable when the connection breaks.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Delivery, void, undefined> {
    try {
      for await (const delivery of this.#deliveries) {
        // What waits when a member is closed is no longer its own.
        if (this.#ending.signal.aborted) return;
        yield delivery;
      }
    } finally {
      await this.close();
    }
  }

  /** Takes what the server says, whether or not somebody walks over the deliveries. */
  async #take(connection: Connection, { signal, silenceMs = SILENCE_MS }: ConsumeOptions): Promise<void> {
    const stop = (): void => this.#ending.abort(signal?.reason);
    signal?.addEventListener("abort", stop);
    try {
      signal?.throwIfAborted();
      connection.throwIfClosed();
      const open = (call: AbortSignal) => connection.consumers.consume(this.#outbox, connection.streaming(call));
      for await (const message of watched(open, silenceMs, this.#ending.signal)) {
        this.#answered(message);
        for (const delivery of message.deliveries) this.#deliveries.put(deliveryFromWire(delivery));
      }
      if (!this.#isFinishing) throw unavailable("the server ended the call");
      this.#deliveries.end();
    } catch (failure) {
      // A member that was closed just ends; one whose signal was aborted says so.
      if (this.#ending.signal.aborted && signal?.aborted !== true) this.#deliveries.end();
      else this.#deliveries.fail(signal?.aborted === true ? signal.reason : fromFailure(failure));
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#end();
    }
  }

  #settle(position: bigint, add: () => void): Promise<SettleOutcome> {
    if (this.#isEnded || this.#isFinishing) return Promise.resolve("unknown");
    return new Promise((resolve) => {
      const asked = this.#asked.get(position) ?? [];
      asked.push(resolve);
      this.#asked.set(position, asked);
      // What is settled in one go travels in one message.
      if (this.#acks.length + this.#nacks.length === 0) queueMicrotask(() => this.#flush());
      add();
    });
  }

  #flush(): void {
    if (this.#acks.length + this.#nacks.length === 0) return;
    this.#send({ kind: { case: "settle", value: { ack: this.#acks, nack: this.#nacks } } });
    this.#acks = [];
    this.#nacks = [];
  }

  #send(request: MessageInitShape<typeof ConsumersConsumeRequestSchema>): void {
    this.#outbox.put(create(ConsumersConsumeRequestSchema, request));
  }

  #answered(message: ConsumersConsumeResponse): void {
    for (const [position, outcome] of outcomes(message)) {
      const asked = this.#asked.get(position);
      asked?.shift()?.(outcome);
      if (asked?.length === 0) this.#asked.delete(position);
    }
  }

  #end(): void {
    this.#isEnded = true;
    this.#outbox.end();
    for (const asked of this.#asked.values()) for (const resolve of asked) resolve("unknown");
    this.#asked.clear();
  }
}
