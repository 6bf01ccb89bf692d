/**
 * Events as a client proposes them.
 *
 * Owns `NewEvent`. An event has its id from the beginning, before the first try to append it, so a retry of any kind
 * is recognised by the store. Nothing is checked here; the server does.
 */
import { randomUUID } from "node:crypto";

import type { MessageInitShape } from "@bufbuild/protobuf";

import type { NewEventSchema } from "./gen/quipu/v1/event_pb.js";
import { toBytes } from "./payload.js";
import { timeToWire } from "./time.js";

/** What may be said of an event beyond its type and payload. */
export interface EventOptions {
  /** Identifies the event: a UUID in lower case. A random one by default. */
  readonly id?: string | undefined;
  /** The media type of the payload; `application/json` by default. */
  readonly contentType?: string | undefined;
  /** Free text pairs about the event. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The version of the payload's shape, such as `2` or `2.1`; `1` by default. */
  readonly schemaVersion?: string | undefined;
  /** Ties together all events of one business conversation. */
  readonly correlationId?: string | undefined;
  /** The id of the message or event that led to this one. */
  readonly causationId?: string | undefined;
  /** Labels to find the event by, `key:value` by convention. */
  readonly tags?: readonly string[] | undefined;
  /** When it happened in the world, if that is not when it is recorded. */
  readonly occurredAt?: Date | undefined;
}

/** An event to append. It keeps its id, so appending it twice has one effect. */
export class NewEvent {
  /** Identifies the event; two events of one store never share it. */
  readonly id: string;
  /** What happened, such as `OrderPlaced`. */
  readonly type: string;
  /** The payload, as it is kept. */
  readonly data: Uint8Array;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly schemaVersion: string | undefined;
  readonly correlationId: string | undefined;
  readonly causationId: string | undefined;
  readonly tags: readonly string[];
  readonly occurredAt: Date | undefined;

  /**
   * An event of this type. A payload of bytes is taken as it is, any other goes through JSON; without one it is an
   * empty object. Throws a `QuipuError` when the payload has no JSON form.
   */
  constructor(type: string, payload: unknown = {}, options: EventOptions = {}) {
    this.id = options.id ?? randomUUID();
    this.type = type;
    this.data = toBytes(payload);
    this.contentType = options.contentType;
    this.metadata = { ...options.metadata };
    this.schemaVersion = options.schemaVersion;
    this.correlationId = options.correlationId;
    this.causationId = options.causationId;
    this.tags = [...(options.tags ?? [])];
    this.occurredAt = options.occurredAt;
  }

  /** @internal */
  toWire(): MessageInitShape<typeof NewEventSchema> {
    return {
      id: this.id,
      type: this.type,
      data: this.data,
      contentType: this.contentType ?? "",
      metadata: { ...this.metadata },
      schemaVersion: this.schemaVersion ?? "",
      correlationId: this.correlationId ?? "",
      causationId: this.causationId ?? "",
      tags: [...this.tags],
      ...(this.occurredAt !== undefined && { occurredAt: timeToWire(this.occurredAt) }),
    };
  }
}
