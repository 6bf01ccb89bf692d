/**
 * A read in progress.
 *
 * Owns `Reading`: lazy, and going on behind what it has delivered when the connection breaks. The last message of a
 * read carries the head; an end without it means that the connection broke. What is asked for is in `read.ts`.
 */
import type { CallOptions } from "@connectrpc/connect";

import type { Cancellable, Connection } from "./connection.js";
import { unavailable } from "./errors.js";
import { RecordedEvent } from "./recorded.js";
import { Tries } from "./retry.js";
import type { RecordedEvent as RecordedEventWire } from "./gen/quipu/v1/event_pb.js";
import type { Snapshot } from "./snapshots.js";

/** What a message of a read brings. */
export interface Part {
  readonly events: readonly RecordedEventWire[];
  readonly snapshot?: Snapshot | undefined;
  /** The head, in the last message only. */
  readonly head: bigint | undefined;
}

/** What is read, and how far it has got. */
export interface ReadSource {
  /** Whether everything that was asked for has come, whatever the server would say next. */
  readonly isDone: boolean;
  /** Begins, or goes on behind what has passed. */
  open(options: CallOptions): AsyncIterable<Part>;
  /** Takes note of what was delivered. */
  passed(part: Part): void;
}

/**
 * A read of a stream or the log. It begins when it is first asked for something, sees what was there then, and can be
 * walked over once, event by event or batch by batch. When the connection breaks it goes on behind the last event that
 * came, and may then also see events that were appended in the meantime.
 */
export class Reading implements AsyncIterable<RecordedEvent> {
  readonly #connection: Connection;
  readonly #source: ReadSource;
  readonly #signal: AbortSignal | undefined;
  readonly #parts: AsyncGenerator<Part, void, undefined>;
  #first: Promise<IteratorResult<Part, void>> | undefined;
  #head: bigint | undefined;

  /** @internal */
  constructor(connection: Connection, source: ReadSource, told: Cancellable) {
    this.#connection = connection;
    this.#source = source;
    this.#signal = told.signal;
    this.#parts = this.#read();
  }

  /** The head of the log, or the stream's last revision, when the read began. Known after the end. */
  get head(): bigint | undefined {
    return this.#head;
  }

  /** The snapshot that the read begins with, if it was asked for and there is one. */
  async snapshot(): Promise<Snapshot | undefined> {
    this.#first ??= this.#parts.next();
    const first = await this.#first;
    return first.done === true ? undefined : first.value.snapshot;
  }

  /** The events as they come over the wire, about 1 MiB together and never none: the fast way to read much. */
  async *batches(): AsyncGenerator<RecordedEvent[], void, undefined> {
    for await (const events of this.#stored()) yield events.map((event) => this.#connection.recorded(event));
  }

  /** One event at a time. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordedEvent, void, undefined> {
    for await (const events of this.#stored()) {
      for (const event of events) yield this.#connection.recorded(event);
    }
  }

  /** All events that are left. */
  async toArray(): Promise<RecordedEvent[]> {
    const all: RecordedEvent[] = [];
    for await (const event of this) all.push(event);
    return all;
  }

  async *#stored(): AsyncGenerator<readonly RecordedEventWire[], void, undefined> {
    try {
      const first = await this.#first;
      this.#first = undefined;
      if (first?.done === true) return;
      if (first !== undefined && first.value.events.length > 0) yield first.value.events;
      for await (const { events } of this.#parts) if (events.length > 0) yield events;
    } finally {
      await this.#parts.return();
    }
  }

  async *#read(): AsyncGenerator<Part, void, undefined> {
    const tries = new Tries(this.#connection.settings.retry);
    while (!this.#source.isDone && this.#head === undefined) {
      const call = new AbortController();
      const stop = (): void => call.abort(this.#signal?.reason);
      this.#signal?.addEventListener("abort", stop);
      try {
        this.#signal?.throwIfAborted();
        this.#connection.throwIfClosed();
        for await (const part of this.#source.open(this.#connection.streaming(call.signal))) {
          tries.succeeded();
          this.#source.passed(part);
          this.#head = part.head ?? this.#head;
          yield part;
        }
        if (this.#head === undefined) throw unavailable("the read was cut short");
      } catch (failure) {
        // With the head, all there is has been read: how the call ends no longer matters.
        if (this.#head === undefined) await this.#connection.again(failure, tries, this.#signal);
      } finally {
        this.#signal?.removeEventListener("abort", stop);
        call.abort();
      }
    }
  }
}
