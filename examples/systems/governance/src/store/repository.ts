/**
 * Aggregates in the store.
 *
 * Owns `Repository`: it loads an aggregate from its history, from the newest snapshot on where there is one, has a wish
 * decided on it, and appends what follows, on condition that nobody was faster.
 */
import type { Appended, Client } from "quipu-client";
import { Aggregate } from "quipu-client";

import type { AnyState } from "../aggregates/kinds.js";
import { kindOf } from "../aggregates/kinds.js";
import type { Fact } from "../events/contracts.js";
import type { AggregateRef, Cause } from "../events/domain-event.js";
import { streamOf, toDomainEvent, toNewEvent } from "../events/domain-event.js";

/** A snapshot is saved when so many events have come since the last one. */
export const SNAPSHOT_EVERY = 20;

/** Loads and changes aggregates. */
export class Repository {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The aggregate as the client knows it; nothing is loaded yet. */
  open(ref: AggregateRef): Aggregate<AnyState> {
    const kind = kindOf(ref.type);
    return new Aggregate<AnyState>(this.#client, streamOf(ref), {
      initial: () => kind.initial(),
      apply: (state, event) => kind.fold(state, toDomainEvent(event)),
      snapshotEvery: SNAPSHOT_EVERY,
      snapshotVersion: kind.stateVersion,
    });
  }

  /** The state now, by way of the newest snapshot. */
  load(ref: AggregateRef): Promise<AnyState> {
    return this.open(ref).load();
  }

  /** The state now, by every event of the stream from the first, whatever snapshots there are. */
  loadFromHistory(ref: AggregateRef): Promise<AnyState> {
    return this.open(ref).rebuild();
  }

  /**
   * Fulfils a wish. Returns where its events went; nothing when it was fulfilled before. The ids of the events follow
   * from the cause, so they never go in twice. Throws `Refused` when the rules do not allow it.
   */
  async execute(ref: AggregateRef, wish: Fact, cause: Cause): Promise<Appended | undefined> {
    const kind = kindOf(ref.type);
    const aggregate = this.open(ref);
    const appended = await aggregate.execute(
      (state) => kind.decide(state, wish).map((fact, index) => toNewEvent(fact, cause, index)),
      // Drivers and reactors may meet at one agent; somebody is always the first.
      { maxTries: 50 },
    );
    await aggregate.settled();
    return appended;
  }
}
