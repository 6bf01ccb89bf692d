/**
 * The values that come with a failure.
 *
 * Owns `ErrorDetail`, told apart by the server's reason, `Conflict`, and their making from the wire.
 */
import { fromBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";

import { Expected } from "./expected.js";
import * as proto from "./gen/quipu/v1/errors_pb.js";
import type { KnownReason } from "./errors.js";

/** The stream is not as expected. */
export interface WrongRevision {
  /** The stream's name. */
  readonly stream: string;
  /** What was expected. */
  readonly expected: Expected;
  /** The revision of the stream's last event, also when the stream is deleted; none when it never had an event. */
  readonly actual: bigint | undefined;
  /** The head that the request was judged against. */
  readonly head: bigint;
}

/** The checkpoint is not where it was expected, or would not move forwards. */
export interface WrongPosition {
  /** Its name. */
  readonly name: string;
  /** Where it was expected, or was to move; none when it was expected not to be there. */
  readonly expected: bigint | undefined;
  /** Where it is; none when there is none of this name. */
  readonly actual: bigint | undefined;
}

/** What is so instead of what a guard wanted. */
export type Conflict =
  | ({ readonly kind: "stream" } & WrongRevision)
  /** An event matches where none was to: the newest. */
  | { readonly kind: "event"; readonly position: bigint; readonly type: string }
  | ({ readonly kind: "checkpoint" } & WrongPosition)
  /** No event matches where one was to. */
  | { readonly kind: "nothing" };

/** The values to act with, told apart by `reason`. Positions and revisions are as in the protocol. */
export type ErrorDetail =
  | ({ readonly reason: "WRONG_EXPECTED_REVISION" } & WrongRevision)
  | ({ readonly reason: "WRONG_CHECKPOINT" } & WrongPosition)
  | {
      readonly reason: "GUARD_NOT_MET";
      /** Which: its place among the guards, from 0. */
      readonly index: number;
      /** What is so instead. */
      readonly actual: Conflict;
      /** The head that the guard was judged against: a place to count from, for one who has read up to here. */
      readonly head: bigint;
    }
  /** The id of the request that is taken, and the event that has it. */
  | { readonly reason: "EVENT_ID_CONFLICT"; readonly id: string; readonly stream: string; readonly position: bigint }
  /** The place asked for, and the last there is; none when there is nothing. */
  | { readonly reason: "BEYOND_END"; readonly asked: bigint; readonly last: bigint | undefined }
  /** The limit's name in `Limits`, the most allowed, and what was sent. */
  | { readonly reason: "LIMIT_EXCEEDED"; readonly limit: string; readonly maximum: bigint; readonly actual: bigint }
  | {
      readonly reason: "WRONG_READ_MODEL_POSITION";
      readonly model: string;
      readonly generation: bigint;
      readonly expected: bigint;
      readonly actual: bigint;
    }
  /** The event, or the snapshot, that is not JSON. */
  | {
      readonly reason: "NOT_FOLDABLE";
      readonly stream: string;
      readonly revision: bigint;
      readonly isSnapshot: boolean;
    };

/** A detail as it comes over the wire: the full name of its message, and its bytes. */
export interface WireDetail {
  readonly type: string;
  readonly value: Uint8Array;
}

/** The values of a reason, if it comes with some and they are there. */
export function detailOf(reason: KnownReason, details: readonly WireDetail[]): ErrorDetail | undefined {
  switch (reason) {
    case "WRONG_EXPECTED_REVISION": {
      const wire = find(proto.WrongExpectedRevisionSchema, details);
      return wire && { reason, ...wrongRevision(wire) };
    }
    case "WRONG_CHECKPOINT": {
      const wire = find(proto.WrongCheckpointSchema, details);
      return wire && { reason, ...wrongPosition(wire) };
    }
    case "GUARD_NOT_MET": {
      const wire = find(proto.GuardNotMetSchema, details);
      return wire && { reason, index: wire.index, actual: conflict(wire.actual), head: wire.head };
    }
    case "EVENT_ID_CONFLICT": {
      const wire = find(proto.EventIdConflictSchema, details);
      return wire && { reason, id: wire.id, stream: wire.stream, position: wire.position };
    }
    case "BEYOND_END": {
      const wire = find(proto.BeyondEndSchema, details);
      return wire && { reason, asked: wire.asked, last: wire.last };
    }
    case "LIMIT_EXCEEDED": {
      const wire = find(proto.LimitExceededSchema, details);
      return wire && { reason, limit: wire.limit, maximum: wire.maximum, actual: wire.actual };
    }
    case "WRONG_READ_MODEL_POSITION": {
      const wire = find(proto.WrongReadModelPositionSchema, details);
      if (wire === undefined) return undefined;
      const { model, generation, expectedPosition: expected, actualPosition: actual } = wire;
      return { reason, model, generation, expected, actual };
    }
    case "NOT_FOLDABLE": {
      const wire = find(proto.NotFoldableSchema, details);
      return wire && { reason, stream: wire.stream, revision: wire.revision, isSnapshot: wire.isSnapshot };
    }
    default:
      return undefined;
  }
}

function find<D extends DescMessage>(schema: D, details: readonly WireDetail[]): MessageShape<D> | undefined {
  const detail = details.find((it) => it.type === schema.typeName);
  return detail && fromBinary(schema, detail.value);
}

function wrongRevision(wire: proto.WrongExpectedRevision): WrongRevision {
  return {
    stream: wire.stream,
    expected: Expected.fromWire(wire.expected),
    actual: wire.actualRevision,
    head: wire.head,
  };
}

function wrongPosition(wire: proto.WrongCheckpoint): WrongPosition {
  return { name: wire.name, expected: wire.expectedPosition, actual: wire.actualPosition };
}

function conflict(actual: proto.GuardNotMet["actual"]): Conflict {
  switch (actual.case) {
    case "stream":
      return { kind: "stream", ...wrongRevision(actual.value) };
    case "event":
      return { kind: "event", position: actual.value.position, type: actual.value.type };
    case "checkpoint":
      return { kind: "checkpoint", ...wrongPosition(actual.value) };
    case undefined:
      return { kind: "nothing" };
  }
}
