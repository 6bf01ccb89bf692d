/**
 * The contracts of all 18 event types.
 *
 * Owns the list of types, the kind of aggregate that each belongs to, and the check of a payload, which is made before
 * an event is appended and again when it is read.
 */
import { agentEvents } from "./agent.js";
import { memoryEvents } from "./memory.js";
import { policyEvents } from "./policy.js";
import type { Schema, TypeOf } from "./schema.js";
import { ContractBroken } from "./schema.js";
import { userEvents } from "./user.js";

/** The version of every payload's shape: none has changed yet. */
export const CONTRACT_VERSION = "1";

/** Schemas by the kind of aggregate, which is the category of its stream, and by event type. */
const CONTRACTS = { policy: policyEvents, memory: memoryEvents, user: userEvents, agent: agentEvents };

type Contracts = typeof CONTRACTS;

/** A kind of aggregate. */
export type AggregateType = keyof Contracts;

type AllSchemas = Contracts["policy"] & Contracts["memory"] & Contracts["user"] & Contracts["agent"];

/** Any of the 18. */
export type EventType = keyof AllSchemas;

/** The event types of a kind of aggregate. */
export type EventTypeOf<A extends AggregateType> = EventType & { [K in A]: keyof Contracts[K] }[A];

/** The payload of an event type. */
export type PayloadOf<T extends EventType> = TypeOf<AllSchemas[T]>;

/** What happened, without when and where: what decisions yield and folds take. */
export type Fact<T extends EventType = EventType> = {
  [K in T]: { readonly type: K; readonly payload: PayloadOf<K> };
}[T];

const SCHEMAS: Readonly<Record<string, Schema<unknown>>> = {
  ...policyEvents,
  ...memoryEvents,
  ...userEvents,
  ...agentEvents,
};

const AGGREGATE_OF: ReadonlyMap<string, AggregateType> = new Map(
  Object.entries(CONTRACTS).flatMap(([aggregate, events]) =>
    Object.keys(events).map((type) => [type, aggregate as AggregateType] as const),
  ),
);

/** All event types. */
export const EVENT_TYPES = Object.keys(SCHEMAS) as readonly EventType[];

/** All kinds of aggregates. */
export const AGGREGATE_TYPES = Object.keys(CONTRACTS) as readonly AggregateType[];

/** The kind of aggregate that an event type belongs to. */
export function aggregateTypeOf(type: EventType): AggregateType {
  const aggregate = AGGREGATE_OF.get(type);
  if (aggregate === undefined) throw new ContractBroken(`there is no contract for ${type}`);
  return aggregate;
}

/** The fact of a type and a payload, if it keeps the contract. */
export function checked(type: string, version: string, payload: unknown): Fact {
  const schema = Object.hasOwn(SCHEMAS, type) ? SCHEMAS[type] : undefined;
  if (schema === undefined) throw new ContractBroken(`there is no contract for ${type}`);
  if (version !== CONTRACT_VERSION) throw new ContractBroken(`there is no contract for version ${version} of ${type}`);
  // The schema is the one of this type, which the compiler cannot see through the lookup.
  return { type, payload: schema(payload, type) } as Fact;
}
