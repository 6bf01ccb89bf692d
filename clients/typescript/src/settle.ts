/**
 * What becomes of deliveries.
 *
 * Owns `Delivery`, `Nack`, and the outcome of settling, as values and on the wire.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";

import { required } from "./errors.js";
import type { Delivery as DeliveryWire, NackSchema } from "./gen/quipu/v1/consumers_pb.js";
import { NackAction, NotSettledReason } from "./gen/quipu/v1/consumers_pb.js";
import { RecordedEvent } from "./recorded.js";
import { durationToWire } from "./time.js";

/** An event to deal with. */
export interface Delivery {
  /** The event as it is stored: not upcast. */
  readonly event: RecordedEvent;
  /** Which try this is, from 1. */
  readonly tryNumber: number;
}

/** An event that was not dealt with. */
export interface Nack {
  /** The event's position. */
  readonly position: bigint;
  /** To try again, unless that was the last try; to keep it aside at once; or to pass over it. `retry` by default. */
  readonly action?: "retry" | "park" | "skip" | undefined;
  /** Why, in words: kept with a parked event. What is longer than 4 KiB is cut. */
  readonly reason?: string | undefined;
  /** How long to wait before the next try, in milliseconds; the group's backoff by default. */
  readonly delayMs?: number | undefined;
}

/**
 * What came of settling one event. `settled`: it is durable. `notDelivered`: the group has not delivered it, or not
 * since it was reset. `alreadySettled`: what was said first counts. `tooLate`: the time was up; the event waits for
 * another try, or another member has it. `unknown`: the call ended before the answer.
 */
export type SettleOutcome = "settled" | "notDelivered" | "alreadySettled" | "tooLate" | "unknown";

const ACTIONS = { retry: NackAction.RETRY, park: NackAction.PARK, skip: NackAction.SKIP } as const;

/** A reason that is not here is newer than this client, and none that it could act on. */
const OUTCOMES: Readonly<Partial<Record<NotSettledReason, SettleOutcome>>> = {
  [NotSettledReason.NOT_DELIVERED]: "notDelivered",
  [NotSettledReason.ALREADY_SETTLED]: "alreadySettled",
  [NotSettledReason.TOO_LATE]: "tooLate",
};

/** The most bytes of a reason that the store keeps. */
const REASON_BYTES = 4_096;

/** @internal */
export function deliveryFromWire({ event, tryNumber }: DeliveryWire): Delivery {
  return { event: new RecordedEvent(required(event, "a delivery's event")), tryNumber };
}

/** @internal */
export function nackToWire({ position, action, reason, delayMs }: Nack): MessageInitShape<typeof NackSchema> {
  return {
    position,
    action: ACTIONS[action ?? "retry"],
    // Cut here by characters, so that no megabyte travels; the store cuts by bytes.
    reason: reason?.slice(0, REASON_BYTES) ?? "",
    ...(delayMs !== undefined && { delay: durationToWire(delayMs) }),
  };
}

/** @internal What came of each position that an answer names. */
export function* outcomes(answer: {
  readonly settled: readonly bigint[];
  readonly notSettled: readonly { readonly position: bigint; readonly reason: NotSettledReason }[];
}): Generator<readonly [bigint, SettleOutcome], void, undefined> {
  for (const position of answer.settled) yield [position, "settled"];
  for (const { position, reason } of answer.notSettled) yield [position, OUTCOMES[reason] ?? "unknown"];
}
