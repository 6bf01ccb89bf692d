/**
 * Appends and transactions as values.
 *
 * Owns `Appended` and `Transacted`, what can be asked for, and the way of both over the wire. The calls are in
 * `client.ts`, pipelined appends in `session.ts`.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";

import { required } from "./errors.js";
import type { NewEvent } from "./event.js";
import { Expected } from "./expected.js";
import type {
  AppendRequestSchema,
  AppendResponse,
  TransactRequestSchema,
  TransactResponse,
} from "./gen/quipu/v1/event_store_pb.js";
import type { Guard } from "./guard.js";

/** Where an append went. */
export interface Appended {
  /** The revision of the first event appended. */
  readonly firstRevision: bigint;
  /** The revision of the last event appended. */
  readonly lastRevision: bigint;
  /** The position of the first event appended. */
  readonly firstPosition: bigint;
  /** The position of the last event appended. */
  readonly lastPosition: bigint;
  /** Whether the events were already there, from an earlier try, and nothing was added. */
  readonly deduplicated: boolean;
}

/** Events for any number of streams, checkpoints to move, and guards over all of it. */
export interface Transaction {
  /** What to append, in this order; each stream at most once. */
  readonly appends?: readonly StreamAppend[] | undefined;
  /** What must hold. */
  readonly guards?: readonly Guard[] | undefined;
  /** Checkpoints to move forwards, each name at most once. */
  readonly checkpoints?: readonly CheckpointAdvance[] | undefined;
}

/** The part of a transaction that goes into one stream. */
export interface StreamAppend {
  /** The stream's name. */
  readonly stream: string;
  /** What the stream must look like; anything by default. */
  readonly expected?: Expected | undefined;
  /** What to append, in this order. */
  readonly events: readonly NewEvent[];
}

/** A checkpoint that moves with a transaction. */
export interface CheckpointAdvance {
  /** The consumer's name. */
  readonly name: string;
  /** Where it moves: beyond where it is, at most to the head before the transaction. */
  readonly position: bigint;
}

/** Where a transaction went. */
export interface Transacted {
  /** For each append, in the order of asking: where it went. */
  readonly appends: readonly Appended[];
  /** The position of the first event; none when the transaction had no event. */
  readonly firstPosition: bigint | undefined;
  /** The position of the last event; none when the transaction had no event. */
  readonly lastPosition: bigint | undefined;
  /** Whether the events were already there, from an earlier try, and nothing was changed. */
  readonly deduplicated: boolean;
}

/** @internal */
export function appendToWire(
  stream: string,
  expected: Expected,
  events: readonly NewEvent[],
  guards: readonly Guard[] = [],
): MessageInitShape<typeof AppendRequestSchema> {
  return {
    stream,
    expected: Expected.toWire(expected),
    events: events.map((event) => event.toWire()),
    guards: [...guards],
  };
}

/** @internal */
export function appendedFromWire(wire: AppendResponse): Appended {
  return {
    firstRevision: required(wire.firstRevision, "an append's first revision"),
    lastRevision: required(wire.lastRevision, "an append's last revision"),
    firstPosition: wire.firstPosition,
    lastPosition: wire.lastPosition,
    deduplicated: wire.deduplicated,
  };
}

/** @internal */
export function transactionToWire(transaction: Transaction): MessageInitShape<typeof TransactRequestSchema> {
  return {
    appends: (transaction.appends ?? []).map(({ stream, expected, events }) => ({
      stream,
      expected: Expected.toWire(expected ?? Expected.any),
      events: events.map((event) => event.toWire()),
    })),
    guards: [...(transaction.guards ?? [])],
    checkpoints: (transaction.checkpoints ?? []).map(({ name, position }) => ({ name, position })),
  };
}

/** @internal */
export function transactedFromWire(wire: TransactResponse): Transacted {
  return {
    appends: wire.appends.map(appendedFromWire),
    firstPosition: wire.firstPosition,
    lastPosition: wire.lastPosition,
    deduplicated: wire.deduplicated,
  };
}
