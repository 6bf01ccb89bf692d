/**
 * A service that reacts to events.
 *
 * Owns `Subscriber`: handlers by event type, several for each, on one consumer group. Each event comes at least once,
 * so handlers must bear it again. One that fails is tried again, and does not keep the others from being called; after
 * the group's last try the event is parked with the reason: this is the dead-letter queue. An event that breaks its
 * contract is parked at once, since no other try would mend it.
 */
import type { Client, GroupSettings, ReactorMetrics, RecordedEvent } from "quipu-client";
import { Park, Reactor } from "quipu-client";

import type { EventType } from "../events/contracts.js";
import type { DomainEvent } from "../events/domain-event.js";
import { toDomainEvent } from "../events/domain-event.js";
import { ContractBroken } from "../events/schema.js";
import type { HandlerTimes } from "./stopwatch.js";
import { Stopwatch } from "./stopwatch.js";

/** Deals with an event. It must bear to be called again for an event that it has dealt with. */
export type EventHandler<T extends EventType = EventType> = (event: DomainEvent<T>) => Promise<void> | void;

/** How often an event is tried before it is parked, and after which pauses. */
export const TRIES: GroupSettings = { maxTries: 5, backoffMs: 20, backoffMaxMs: 200 };

/** How a subscriber is doing. */
export interface SubscriberMetrics {
  readonly reactor: ReactorMetrics;
  readonly handlers: Readonly<Record<string, HandlerTimes>>;
}

/** Reacts to the events of some types. */
export class Subscriber {
  /** The name of its consumer group. */
  readonly group: string;
  readonly #handlers: { readonly type: EventType; readonly call: (event: RecordedEvent) => Promise<void> }[] = [];
  readonly #stopwatch = new Stopwatch();
  #reactor: Reactor | undefined;

  constructor(group: string) {
    this.group = group;
  }

  /** Has events of a type handled; `name` is what the handler's times are counted under. */
  on<T extends EventType>(type: T, name: string, handler: EventHandler<T>): this {
    const call = (event: RecordedEvent): Promise<void> => {
      const domainEvent = understood(event) as DomainEvent<T>;
      return this.#stopwatch.measure(name, () => handler(domainEvent));
    };
    this.#handlers.push({ type, call });
    return this;
  }

  /** The types that it has handlers for: what its group asks the store for. */
  get types(): EventType[] {
    return [...new Set(this.#handlers.map(({ type }) => type))];
  }

  /** Works until it is stopped, over every break of the connection. */
  async run(client: Client): Promise<void> {
    const reactor = new Reactor(client, this.group, { group: { ...TRIES, query: { types: this.types } } });
    for (const { type, call } of this.#handlers) reactor.on(type, call);
    this.#reactor = reactor;
    await reactor.run();
  }

  /** Finishes what is in hand. */
  async stop(): Promise<void> {
    await this.#reactor?.stop();
  }

  /** Counts and times since it was started. */
  get metrics(): SubscriberMetrics | undefined {
    return this.#reactor && { reactor: this.#reactor.metrics, handlers: this.#stopwatch.times() };
  }
}

/** The event, or the word to park it. */
function understood(event: RecordedEvent): DomainEvent {
  try {
    return toDomainEvent(event);
  } catch (error) {
    if (error instanceof ContractBroken) throw new Park(`contract broken: ${error.message}`);
    throw error;
  }
}
