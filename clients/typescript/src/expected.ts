/**
 * The guard of optimistic concurrency.
 *
 * Owns `Expected` and its way to and from the wire. The server checks it; nothing is checked here. What may be
 * expected of more than one stream is in `guard.ts`.
 */
import { create } from "@bufbuild/protobuf";

import type { ExpectedRevision } from "./gen/quipu/v1/event_pb.js";
import { ExpectedRevisionSchema } from "./gen/quipu/v1/event_pb.js";

/**
 * What a stream must look like for an append to go in: anything, without an event yet, with at least one event, or
 * with exactly this as the revision of its last event.
 */
export type Expected = "any" | "noStream" | "streamExists" | bigint;

export const Expected = {
  /** No condition. */
  any: "any",
  /** The stream has no event yet. */
  noStream: "noStream",
  /** The stream has at least one event. */
  streamExists: "streamExists",
  /** The revision of the stream's last event, exactly. */
  revision: (revision: bigint): Expected => revision,

  /** @internal As it goes over the wire. */
  toWire: (expected: Expected): ExpectedRevision => {
    const kind =
      typeof expected === "bigint"
        ? ({ case: "revision", value: expected } as const)
        : ({ case: expected, value: {} } as const);
    return create(ExpectedRevisionSchema, { kind });
  },

  /** @internal As it came over the wire; unset means any. */
  fromWire: (wire: ExpectedRevision | undefined): Expected => {
    const kind = wire?.kind;
    if (kind?.case === "revision") return kind.value;
    return kind?.case ?? "any";
  },
} as const;
