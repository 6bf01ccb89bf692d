/**
 * What to follow, and how far it has come.
 *
 * Owns what a subscription can be told and its messages, and the cursor: a position for the log, a revision for a
 * stream. Signals carry positions of the log, so they move the cursor of a log subscription only. It never moves back,
 * and it moves only by what has reached the client. The machine is in `subscription.ts`.
 */
import type { CallOptions } from "@connectrpc/connect";

import type { Cancellable, Connection } from "./connection.js";
import type { RecordedEvent as RecordedEventWire } from "./gen/quipu/v1/event_pb.js";
import type { SubscribeAllResponse, SubscribeStreamResponse } from "./gen/quipu/v1/event_store_pb.js";
import type { Query } from "./query.js";
import { queryToWire } from "./query.js";
import type { RetryPolicy } from "./retry.js";
import { timeToWire } from "./time.js";

/** Three heartbeats of a server with default settings, in milliseconds. */
export const SILENCE_MS = 45_000;

/** What any subscription can be told. */
export interface Following extends Cancellable {
  /** How it reconnects after a break; for ever by default. */
  readonly retry?: RetryPolicy | undefined;
  /**
   * After so long a silence, in milliseconds, the server is given up and connected to again; 45,000 by default, three
   * heartbeats. Raise it for a server with rarer ones.
   */
  readonly silenceMs?: number | undefined;
}

/** Where to begin in the log: `after` is exclusive, `time` means the first event recorded then or later. */
export type LogStart = "start" | "end" | { readonly after: bigint } | { readonly time: Date };

/** How to follow the log. */
export interface SubscribeAllOptions extends Following {
  /** Where to begin; at the start by default. */
  readonly from?: LogStart | undefined;
  /** Only events that match. What does not is passed over; checkpoints and heartbeats tell how far. */
  readonly query?: Query | undefined;
  /** Also events of system streams, whose names start with `$`. */
  readonly includeSystem?: boolean | undefined;
}

/** How to follow a stream. */
export interface SubscribeStreamOptions extends Following {
  /** Where to begin, a revision exclusive; at the start by default. */
  readonly from?: "start" | "end" | { readonly after: bigint } | undefined;
  /** Only events of these types. */
  readonly types?: readonly string[] | undefined;
}

/** What tells how far a subscription is. All positions are positions in the log. */
export type Signal =
  /** Everything there is has been delivered; what follows is live. `position` is the head at that moment. */
  | { readonly kind: "caughtUp"; readonly position: bigint }
  /** The subscriber is too slow for the live part and is served from disk for a while. Nothing is lost. */
  | { readonly kind: "fellBehind"; readonly position: bigint; readonly head: bigint }
  /** Everything up to this position has been delivered or did not match: a place to resume from. */
  | { readonly kind: "checkpoint"; readonly position: bigint }
  /** Nothing happened for a while; everything up to this position has been delivered or did not match. */
  | { readonly kind: "heartbeat"; readonly position: bigint }
  /** The connection broke and is there again. Nothing is lost. */
  | { readonly kind: "reconnected" };

/** Events as they came over the wire, or a signal. */
export type Heard = { readonly kind: "events"; readonly events: readonly RecordedEventWire[] } | Signal;

/** What is followed, and how far it has got. */
export interface Followed {
  /** Begins, or goes on behind what has passed. */
  open(options: CallOptions): AsyncIterable<Heard>;
  /** Takes note of what was heard. */
  passed(heard: Heard): void;
}

/** @internal The log. */
export class FollowedLog implements Followed {
  readonly #connection: Connection;
  readonly #options: SubscribeAllOptions;
  #from: LogStart;

  constructor(connection: Connection, options: SubscribeAllOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#from = options.from ?? "start";
  }

  async *open(options: CallOptions): AsyncGenerator<Heard, void, undefined> {
    const { query, includeSystem } = this.#options;
    const request = {
      from: logStart(this.#from),
      includeSystem: includeSystem ?? false,
      ...(query !== undefined && { query: queryToWire(query) }),
    };
    for await (const message of this.#connection.events.subscribeAll(request, options)) {
      const heard = heardFrom(message);
      if (heard !== undefined) yield heard;
    }
  }

  passed(heard: Heard): void {
    const reached = heard.kind === "events" ? heard.events.at(-1)?.position : position(heard);
    if (reached !== undefined) this.#from = furthest(this.#from, reached);
  }
}

/** @internal One stream. */
export class FollowedStream implements Followed {
  readonly #connection: Connection;
  readonly #stream: string;
  readonly #types: string[];
  #from: "start" | "end" | { readonly after: bigint };

  constructor(connection: Connection, stream: string, options: SubscribeStreamOptions) {
    this.#connection = connection;
    this.#stream = stream;
    this.#types = [...(options.types ?? [])];
    this.#from = options.from ?? "start";
  }

  async *open(options: CallOptions): AsyncGenerator<Heard, void, undefined> {
    const from = this.#from;
    const request = {
      stream: this.#stream,
      types: this.#types,
      from:
        typeof from === "string"
          ? ({ case: from, value: {} } as const)
          : ({ case: "afterRevision", value: from.after } as const),
    };
    for await (const message of this.#connection.events.subscribeStream(request, options)) {
      const heard = heardFrom(message);
      if (heard !== undefined) yield heard;
    }
  }

  passed(heard: Heard): void {
    const reached = heard.kind === "events" ? heard.events.at(-1)?.revision : undefined;
    if (reached !== undefined) this.#from = furthest(this.#from, reached);
  }
}

/** @internal A place in the log as it goes over the wire. */
export function logStart(from: LogStart) {
  if (typeof from === "string") return { case: from, value: {} } as const;
  if ("after" in from) return { case: "afterPosition", value: from.after } as const;
  return { case: "fromTime", value: timeToWire(from.time) } as const;
}

function furthest(from: LogStart, reached: bigint): { readonly after: bigint } {
  const before = typeof from === "object" && "after" in from ? from.after : 0n;
  return { after: reached > before ? reached : before };
}

function position(signal: Signal): bigint | undefined {
  return signal.kind === "reconnected" ? undefined : signal.position;
}

/** What a message says; none when it is a signal newer than this client. */
function heardFrom({ events, signal }: SubscribeAllResponse | SubscribeStreamResponse): Heard | undefined {
  if (events.length > 0) return { kind: "events", events };
  switch (signal.case) {
    case "fellBehind":
      return { kind: signal.case, position: signal.value.position, head: signal.value.head };
    case "caughtUp":
    case "checkpoint":
    case "heartbeat":
      return { kind: signal.case, position: signal.value.position };
    case undefined:
      return undefined;
  }
}
