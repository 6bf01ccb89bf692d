/**
 * Events as the store holds them.
 *
 * Owns `RecordedEvent` and its making from the wire, which is the inner loop of every read: bytes are not copied, and
 * the payload is parsed only when it is asked for.
 */
import { required } from "./errors.js";
import type { RecordedEvent as RecordedEventWire } from "./gen/quipu/v1/event_pb.js";
import { fromJson, toBytes } from "./payload.js";
import { optionalTime, timeOf } from "./time.js";

/** An event of the log. */
export class RecordedEvent {
  /** Identifies the event: a UUID in lower case. */
  readonly id: string;
  /** The stream that the event belongs to. */
  readonly stream: string;
  /** The event's place in its stream; the first is 0, with no gaps. */
  readonly revision: bigint;
  /** The event's place in the log of its tenant; the first is 1, with no gaps. */
  readonly position: bigint;
  /** Server time of the commit, cut to milliseconds. Never decreases along the log. */
  readonly recordedAt: Date;
  /** What happened. */
  readonly type: string;
  /** The payload. It shares memory with the message it came in: copy it when few events are kept for long. */
  readonly data: Uint8Array;
  /** The media type of `data`. */
  readonly contentType: string;
  /** Free text pairs about the event. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The version of the payload's shape: after upcasting, that of `data`. */
  readonly schemaVersion: string;
  /** Ties together all events of one business conversation. */
  readonly correlationId: string | undefined;
  /** The id of the message or event that led to this one. */
  readonly causationId: string | undefined;
  /** Labels to find the event by. */
  readonly tags: readonly string[];
  /** When it happened in the world, if that was not when it was recorded. */
  readonly occurredAt: Date | undefined;

  /** @internal */
  constructor(wire: RecordedEventWire) {
    this.id = wire.id;
    this.stream = wire.stream;
    this.revision = required(wire.revision, "an event's revision");
    this.position = wire.position;
    this.recordedAt = timeOf(wire.recordedAt, "an event's time");
    this.type = wire.type;
    this.data = wire.data;
    this.contentType = wire.contentType || "application/json";
    this.metadata = wire.metadata;
    this.schemaVersion = wire.schemaVersion || "1";
    this.correlationId = wire.correlationId || undefined;
    this.causationId = wire.causationId || undefined;
    this.tags = wire.tags;
    this.occurredAt = optionalTime(wire.occurredAt);
  }

  /** The payload out of JSON. It is not checked that it is a `T`. Throws a `QuipuError` when it is not JSON. */
  json<T = unknown>(): T {
    return fromJson(this.data, `the payload of the event at position ${this.position}`) as T;
  }

  /** The same event with a payload of another shape. */
  reshaped(payload: unknown, schemaVersion: string): RecordedEvent {
    const reshaped = { data: toBytes(payload), schemaVersion };
    return Object.assign(Object.create(RecordedEvent.prototype) as RecordedEvent, this, reshaped);
  }

  /** Which event it is, without its payload: for logs. */
  toString(): string {
    return `${this.type} at position ${this.position}, revision ${this.revision} of ${this.stream}`;
  }
}
