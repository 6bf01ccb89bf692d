/**
 * A domain event: what this system says of each fact, and how the store keeps it.
 *
 * | here | in the store |
 * |---|---|
 * | id, type, version | id, type, schema version |
 * | occurred at | occurred at |
 * | aggregate type and id | the stream `<type>-<id>`, whose category is the type |
 * | correlation, causation | correlation id, causation id |
 * | user | metadata `user`, and the tag `user:<id>` to find it by |
 * | payload | data, as JSON, checked against the contract both ways |
 */
import type { RecordedEvent } from "quipu-client";
import { NewEvent } from "quipu-client";

import type { AggregateType, EventType, Fact } from "./contracts.js";
import { aggregateTypeOf, checked, CONTRACT_VERSION } from "./contracts.js";
import { idOf } from "./ids.js";
import { ContractBroken } from "./schema.js";

/** Which aggregate. */
export interface AggregateRef {
  readonly type: AggregateType;
  readonly id: string;
}

/** On whose behalf, when, and why something is done. */
export interface Cause {
  /** The id of the command or event that leads to what is done; event ids follow from it. */
  readonly causationId: string;
  /** What the whole conversation shares. */
  readonly correlationId: string;
  readonly userId: string;
  readonly occurredAt: Date;
}

/** A fact with its envelope. */
export type DomainEvent<T extends EventType = EventType> = Fact<T> & Cause & Envelope;

interface Envelope {
  readonly id: string;
  readonly version: string;
  readonly aggregate: AggregateRef;
}

/** The stream of an aggregate. */
export function streamOf({ type, id }: AggregateRef): string {
  return `${type}-${id}`;
}

/** The aggregate that a stream belongs to. */
export function aggregateOf(type: AggregateType, stream: string): AggregateRef {
  if (!stream.startsWith(`${type}-`)) throw new ContractBroken(`${stream} is no stream of the type ${type}`);
  return { type, id: stream.slice(type.length + 1) };
}

/** A fact as an event to append; `index` is its place among those of the same cause. */
export function toNewEvent(fact: Fact, cause: Cause, index: number): NewEvent {
  const { type, payload } = checked(fact.type, CONTRACT_VERSION, fact.payload);
  return new NewEvent(type, payload, {
    id: idOf(cause.causationId, type, `${index}`),
    schemaVersion: CONTRACT_VERSION,
    occurredAt: cause.occurredAt,
    correlationId: cause.correlationId,
    causationId: cause.causationId,
    metadata: { user: cause.userId },
    tags: [`user:${cause.userId}`],
  });
}

/** What an event of the store says. Throws a `ContractBroken` when it does not keep the contract. */
export function toDomainEvent(event: RecordedEvent): DomainEvent {
  const fact = checked(event.type, event.schemaVersion, event.json());
  return {
    ...fact,
    id: event.id,
    version: event.schemaVersion,
    aggregate: aggregateOf(aggregateTypeOf(fact.type), event.stream),
    occurredAt: event.occurredAt ?? event.recordedAt,
    correlationId: named(event.correlationId, "a correlation id"),
    causationId: named(event.causationId, "a causation id"),
    userId: named(event.metadata["user"], "a user"),
  };
}

function named(value: string | undefined, what: string): string {
  if (value === undefined || value === "") throw new ContractBroken(`the event has not got ${what}`);
  return value;
}
