/**
 * What to read.
 *
 * Owns the requests for reads of a stream and of the log, and how each goes on behind what has been delivered.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { CallOptions } from "@connectrpc/connect";

import type { Cancellable, Connection } from "./connection.js";
import { Direction } from "./gen/quipu/v1/event_pb.js";
import type { ReadAllRequestSchema, ReadStreamRequestSchema } from "./gen/quipu/v1/event_store_pb.js";
import type { Query } from "./query.js";
import { queryToWire } from "./query.js";
import type { Part, ReadSource } from "./reading.js";
import { snapshotFromWire } from "./snapshots.js";
import { timeToWire } from "./time.js";

/** What both kinds of read can be told. */
export interface Extent extends Cancellable {
  /** Oldest first, or newest first; forwards by default. */
  readonly direction?: "forwards" | "backwards" | undefined;
  /** At most so many events; without it there is no limit. It counts what is returned. */
  readonly limit?: number | bigint | undefined;
}

/** How to read a stream. */
export interface ReadStreamOptions extends Extent {
  /** Where to begin, a revision inclusive. By default at the start, or at the end when reading backwards. */
  readonly from?: "start" | "end" | { readonly revision: bigint } | undefined;
  /** Begins with the newest snapshot, if there is one, and goes on behind it. Only forwards and without `from`. */
  readonly withSnapshot?: boolean | undefined;
  /** Only events of these types. */
  readonly types?: readonly string[] | undefined;
}

/** How to read the log. */
export interface ReadAllOptions extends Extent {
  /**
   * Where to begin: a position inclusive, or a time: with the first event recorded then or later, backwards with the
   * last one recorded then or before. By default at the start, or at the end when reading backwards.
   */
  readonly from?: "start" | "end" | { readonly position: bigint } | { readonly time: Date } | undefined;
  /** Only events that match. */
  readonly query?: Query | undefined;
  /** Also events of system streams, whose names start with `$`. */
  readonly includeSystem?: boolean | undefined;
}

/** Counts down what is left of a read and finds the place behind what came. */
class Progress {
  readonly isBackwards: boolean;
  isDone = false;
  #left: bigint | undefined;

  constructor(extent: Extent) {
    this.isBackwards = extent.direction === "backwards";
    this.#left = extent.limit === undefined ? undefined : BigInt(extent.limit);
    this.isDone = this.#left === 0n;
  }

  /** The limit as it goes over the wire. */
  get limit(): bigint {
    return this.#left ?? 0n;
  }

  get direction(): Direction {
    return this.isBackwards ? Direction.BACKWARDS : Direction.FORWARDS;
  }

  /** The place behind the last of so many events; `lowest` is the first place there is. */
  behind(last: bigint, count: number, lowest: bigint): bigint {
    if (this.#left !== undefined) this.#left -= BigInt(count);
    if (this.#left === 0n || (this.isBackwards && last === lowest)) this.isDone = true;
    return this.isBackwards ? last - 1n : last + 1n;
  }
}

/** @internal A read of one stream. */
export class StreamSource implements ReadSource {
  readonly #connection: Connection;
  readonly #progress: Progress;
  readonly #request: MessageInitShape<typeof ReadStreamRequestSchema>;

  constructor(connection: Connection, stream: string, options: ReadStreamOptions) {
    this.#connection = connection;
    this.#progress = new Progress(options);
    const { direction, limit } = this.#progress;
    this.#request = {
      stream,
      direction,
      limit,
      from: streamStart(options.from),
      withSnapshot: options.withSnapshot ?? false,
      types: [...(options.types ?? [])],
    };
  }

  get isDone(): boolean {
    return this.#progress.isDone;
  }

  async *open(options: CallOptions): AsyncGenerator<Part, void, undefined> {
    for await (const message of this.#connection.events.readStream(this.#request, options)) {
      const snapshot = message.snapshot && snapshotFromWire(message.snapshot);
      yield { events: message.events, snapshot, head: message.headRevision };
    }
  }

  passed({ events, snapshot }: Part): void {
    const last = events.at(-1)?.revision ?? snapshot?.revision;
    if (last === undefined) return;
    this.#request.from = { case: "fromRevision", value: this.#progress.behind(last, events.length, 0n) };
    this.#request.limit = this.#progress.limit;
    this.#request.withSnapshot = false;
  }
}

/** @internal A read of the log. */
export class LogSource implements ReadSource {
  readonly #connection: Connection;
  readonly #progress: Progress;
  readonly #request: MessageInitShape<typeof ReadAllRequestSchema>;

  constructor(connection: Connection, options: ReadAllOptions) {
    this.#connection = connection;
    this.#progress = new Progress(options);
    const { direction, limit } = this.#progress;
    this.#request = {
      direction,
      limit,
      from: logStart(options.from),
      includeSystem: options.includeSystem ?? false,
      ...(options.query !== undefined && { query: queryToWire(options.query) }),
    };
  }

  get isDone(): boolean {
    return this.#progress.isDone;
  }

  async *open(options: CallOptions): AsyncGenerator<Part, void, undefined> {
    for await (const { events, head } of this.#connection.events.readAll(this.#request, options)) {
      yield { events, head };
    }
  }

  passed({ events }: Part): void {
    const last = events.at(-1)?.position;
    if (last === undefined) return;
    this.#request.from = { case: "fromPosition", value: this.#progress.behind(last, events.length, 1n) };
    this.#request.limit = this.#progress.limit;
  }
}

function streamStart(
  from: ReadStreamOptions["from"],
): NonNullable<MessageInitShape<typeof ReadStreamRequestSchema>["from"]> {
  if (from === undefined) return { case: undefined };
  if (typeof from === "string") return { case: from, value: {} };
  return { case: "fromRevision", value: from.revision };
}

function logStart(from: ReadAllOptions["from"]): NonNullable<MessageInitShape<typeof ReadAllRequestSchema>["from"]> {
  if (from === undefined) return { case: undefined };
  if (typeof from === "string") return { case: from, value: {} };
  if ("position" in from) return { case: "fromPosition", value: from.position };
  return { case: "fromTime", value: timeToWire(from.time) };
}
