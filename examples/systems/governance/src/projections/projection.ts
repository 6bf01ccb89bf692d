/**
 * A read model by the events it is made of.
 *
 * Owns `Projection`: handlers by event type, which see domain events and change documents. The client's `Projector`
 * writes the documents together with the position, so each event counts exactly once, whoever is killed.
 */
import type { Client } from "quipu-client";
import { Projector } from "quipu-client";

import type { EventType } from "../events/contracts.js";
import type { DomainEvent } from "../events/domain-event.js";
import { toDomainEvent } from "../events/domain-event.js";
import { Documents } from "./documents.js";

/** Turns an event into changes of documents. */
export type Project<T extends EventType> = (event: DomainEvent<T>, documents: Documents) => Promise<void> | void;

/** Makes one read model. */
export class Projection {
  /** The read model's name. */
  readonly model: string;
  readonly #handlers: { readonly type: EventType; readonly project: Project<EventType> }[] = [];

  constructor(model: string) {
    this.model = model;
  }

  /** Has events of a type projected. */
  on<T extends EventType>(type: T, project: Project<T>): this {
    this.#handlers.push({ type, project: (event, documents) => project(event as DomainEvent<T>, documents) });
    return this;
  }

  /** Has events of all these types projected in the same way. */
  onAll(types: readonly EventType[], project: Project<EventType>): this {
    for (const type of types) this.on(type, project);
    return this;
  }

  /** The types that the read model is made of. */
  get types(): EventType[] {
    return [...new Set(this.#handlers.map(({ type }) => type))];
  }

  /** A projector that keeps the read model up to date, or makes it anew. */
  projector(client: Client): Projector {
    const projector = new Projector(client, this.model);
    for (const { type, project } of this.#handlers) {
      projector.on(type, (event, tx) => project(toDomainEvent(event), new Documents(tx)));
    }
    return projector;
  }
}

export function projection(model: string): Projection {
  return new Projection(model);
}
