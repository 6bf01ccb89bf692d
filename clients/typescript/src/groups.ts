/**
 * Consumer groups as values.
 *
 * Owns what a group is told and tells, and the way of both over the wire. The calls are in `consumers.ts`.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";

import type {
  ConsumerGroup as ConsumerGroupWire,
  ConsumerGroupSettings as ConsumerGroupSettingsWire,
  ConsumerGroupSettingsSchema,
} from "./gen/quipu/v1/consumers_pb.js";
import { required } from "./errors.js";
import type { Query } from "./query.js";
import { queryFromWire, queryToWire } from "./query.js";
import { durationToWire, optionalMs, optionalTime, timeOf } from "./time.js";

/** How a group works. Times are in milliseconds. */
export interface GroupSettings {
  /** Which events; all by default. It can not be changed later. */
  readonly query?: Query | undefined;
  /**
   * What is delivered in order: the events of each stream, by default; those with the same value of the tag with a key;
   * or nothing. It can not be changed later.
   */
  readonly order?: "byStream" | "unordered" | { readonly byTagKey: string } | undefined;
  /** How long a member may take to settle an event before it is delivered again; 30,000 by default. */
  readonly ackTimeoutMs?: number | undefined;
  /** After so many tries an event is parked; 10 by default, 1,000 at most. */
  readonly maxTries?: number | undefined;
  /** How long to wait before the second try, doubled for each further one; 200 by default. */
  readonly backoffMs?: number | undefined;
  /** The longest wait between tries; 30,000 by default. */
  readonly backoffMaxMs?: number | undefined;
  /** How many events may be taken from the log and not be settled yet; 10,000 by default. */
  readonly maxOutstanding?: number | undefined;
}

/** How a group is doing. */
export interface ConsumerGroup {
  /** The group's name. */
  readonly name: string;
  /** How it works, with defaults filled in. */
  readonly settings: GroupSettings;
  /** When it was made. Server time. */
  readonly createdAt: Date;
  /** Whether deliveries are stopped. */
  readonly isPaused: boolean;
  /** Everything up to here, inclusive, is settled, parked or does not match. */
  readonly settledPosition: bigint;
  /** How far the group has read the log. */
  readonly readPosition: bigint;
  /** The head of the log. */
  readonly head: bigint;
  /** Events read and not settled, in flight ones among them. */
  readonly outstanding: bigint;
  /** Events that a member has and has not settled. */
  readonly inFlight: bigint;
  /** Events that wait for another try. */
  readonly retrying: bigint;
  /** Events that were parked. */
  readonly parked: bigint;
  /** The oldest event that is not settled, of those read: its age tells how far the group is behind. */
  readonly oldestUnsettled: OldestUnsettled | undefined;
  /** The members, in the order of their names. */
  readonly members: readonly GroupMember[];
  /** Counts since the server started. */
  readonly counts: GroupCounts;
}

/** The oldest event that is not settled. */
export interface OldestUnsettled {
  readonly position: bigint;
  readonly recordedAt: Date | undefined;
  /** How often it was delivered. */
  readonly tries: number;
}

/** Somebody who takes part in a group. */
export interface GroupMember {
  readonly name: string;
  /** How many events it wants to have in flight. */
  readonly credits: number;
  /** How many it has. */
  readonly inFlight: number;
}

/** What a group has done since the server started. */
export interface GroupCounts {
  /** Deliveries, repeated ones among them. */
  readonly delivered: bigint;
  readonly acknowledged: bigint;
  readonly skipped: bigint;
  /** Deliveries that were to be tried again, whose time was up, or whose member went away. */
  readonly retried: bigint;
  readonly parked: bigint;
}

/** @internal */
export function settingsToWire(settings: GroupSettings): MessageInitShape<typeof ConsumerGroupSettingsSchema> {
  const { query, order, ackTimeoutMs, maxTries, backoffMs, backoffMaxMs, maxOutstanding } = settings;
  return {
    ...(query !== undefined && { query: queryToWire(query) }),
    order: orderToWire(order),
    ...(ackTimeoutMs !== undefined && { ackTimeout: durationToWire(ackTimeoutMs) }),
    maxTries: maxTries ?? 0,
    ...(backoffMs !== undefined && { backoff: durationToWire(backoffMs) }),
    ...(backoffMaxMs !== undefined && { backoffMax: durationToWire(backoffMaxMs) }),
    maxOutstanding: maxOutstanding ?? 0,
  };
}

/** @internal */
export function groupFromWire(wire: ConsumerGroupWire | undefined): ConsumerGroup {
  const group = required(wire, "the group");
  const { name, isPaused, settledPosition, readPosition, head, outstanding, inFlight, retrying, parked } = group;
  const oldest = group.oldestUnsettled;
  return {
    name,
    settings: settingsFromWire(required(group.settings, "the group's settings")),
    createdAt: timeOf(group.createdAt, "the group's time"),
    isPaused,
    settledPosition,
    readPosition,
    head,
    outstanding,
    inFlight,
    retrying,
    parked,
    oldestUnsettled: oldest && {
      position: oldest.position,
      recordedAt: optionalTime(oldest.recordedAt),
      tries: oldest.tries,
    },
    members: group.members.map((it) => ({ name: it.name, credits: it.credits, inFlight: it.inFlight })),
    counts: {
      delivered: group.counts?.delivered ?? 0n,
      acknowledged: group.counts?.acknowledged ?? 0n,
      skipped: group.counts?.skipped ?? 0n,
      retried: group.counts?.retried ?? 0n,
      parked: group.counts?.parked ?? 0n,
    },
  };
}

function orderToWire(order: GroupSettings["order"]) {
  if (order === undefined) return { case: undefined };
  if (typeof order === "string") return { case: order, value: {} } as const;
  return { case: "byTagKey", value: order.byTagKey } as const;
}

function settingsFromWire(wire: ConsumerGroupSettingsWire): GroupSettings {
  const { order } = wire;
  return {
    query: wire.query && queryFromWire(wire.query),
    order: order.case === "byTagKey" ? { byTagKey: order.value } : (order.case ?? "byStream"),
    ackTimeoutMs: optionalMs(wire.ackTimeout),
    maxTries: wire.maxTries,
    backoffMs: optionalMs(wire.backoff),
    backoffMaxMs: optionalMs(wire.backoffMax),
    maxOutstanding: wire.maxOutstanding,
  };
}
