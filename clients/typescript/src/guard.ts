/**
 * What must hold for events to go in, beyond the expected revision.
 *
 * Owns `Guard`. The server judges it against everything committed before the request; nothing is checked here. What
 * is so when a guard does not hold is `Conflict`, in `detail.ts`.
 */
import { create } from "@bufbuild/protobuf";

import { Expected } from "./expected.js";
import type { Guard as GuardWire } from "./gen/quipu/v1/query_pb.js";
import { GuardSchema } from "./gen/quipu/v1/query_pb.js";
import type { Query } from "./query.js";
import { queryToWire } from "./query.js";

/** What must hold for an append or a transaction to go in. Made by the functions of `Guard`. */
export type Guard = GuardWire;

export const Guard = {
  /** A stream, not necessarily one that is appended to, is as expected. */
  stream: (stream: string, expected: Expected): Guard =>
    create(GuardSchema, { kind: { case: "stream", value: { stream, expected: Expected.toWire(expected) } } }),

  /** No event matches. Only events after `after`, exclusive, count: the head up to which the caller has read. */
  noneMatch: (query: Query, after = 0n): Guard =>
    create(GuardSchema, { kind: { case: "noneMatch", value: { query: queryToWire(query), afterPosition: after } } }),

  /** At least one event matches, of those after `after`, exclusive. */
  someMatch: (query: Query, after = 0n): Guard =>
    create(GuardSchema, { kind: { case: "someMatch", value: { query: queryToWire(query), afterPosition: after } } }),

  /** The checkpoint of this name is at this position exactly; without one, there is none of this name. */
  checkpoint: (name: string, position?: bigint): Guard =>
    create(GuardSchema, {
      kind: { case: "checkpoint", value: { name, ...(position !== undefined && { position }) } },
    }),
} as const;
