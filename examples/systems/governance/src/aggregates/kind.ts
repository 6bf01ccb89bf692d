/**
 * What the four kinds of aggregates have in common.
 *
 * A kind is pure: `decide` says what follows from a wish in a state, or refuses it, and `fold` what a state becomes by
 * a fact. States are plain JSON, so that they can be kept as snapshots.
 */
import type { AggregateType, EventTypeOf, Fact } from "../events/contracts.js";

/** A wish that the rules do not allow. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** A kind of aggregate. */
export interface Kind<State, A extends AggregateType = AggregateType> {
  readonly type: A;
  /** The version of the state's shape, for snapshots. */
  readonly stateVersion: string;
  /** The state before the first event. */
  initial(): State;
  /** The state after a fact. */
  fold(state: State, fact: Fact<EventTypeOf<A>>): State;
  /** The facts that a wish leads to, which go in together; none when it is fulfilled already. Throws `Refused`. */
  decide(state: State, wish: Fact<EventTypeOf<A>>): readonly Fact<EventTypeOf<A>>[];
  /** Whether nothing can happen to it any more. */
  isFinished(state: State): boolean;
}

/** Refuses unless a rule holds. */
export function ensure(holds: boolean, otherwise: string): void {
  if (!holds) throw new Refused(otherwise);
}
