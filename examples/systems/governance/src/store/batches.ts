/**
 * Observations in batches.
 *
 * What was merely observed, such as a recall, needs no decision. Observations are appended together, each stream's in
 * one append, and the appends are pipelined over a session, so that none waits for the one before to be durable.
 */
import type { Appended, Client, NewEvent } from "quipu-client";
import { Expected, QuipuError } from "quipu-client";

import type { Fact } from "../events/contracts.js";
import type { AggregateRef, Cause } from "../events/domain-event.js";
import { streamOf, toNewEvent } from "../events/domain-event.js";
import { grouped } from "../grouped.js";

/** A fact that is recorded as it is. */
export interface Observation {
  readonly aggregate: AggregateRef;
  readonly fact: Fact;
  readonly cause: Cause;
}

/**
 * Appends a batch, in its order within each stream; returns what came of each stream. What a break leaves unanswered is
 * appended again with the same ids, so it goes in once.
 */
export async function recordAll(client: Client, batch: readonly Observation[]): Promise<ReadonlyMap<string, Appended>> {
  const byStream = grouped(batch, ({ aggregate }) => streamOf(aggregate));
  await using session = client.appendSession();
  const appends: Promise<readonly [string, Appended]>[] = [];
  for (const [stream, observations] of byStream) {
    const events = observations.map(({ fact, cause }) => toNewEvent(fact, cause, 0));
    const append = session.append(stream, Expected.any, events);
    appends.push(append.catch((error: unknown) => again(client, stream, events, error)).then((it) => [stream, it]));
    await session.room();
  }
  return new Map(await Promise.all(appends));
}

async function again(client: Client, stream: string, events: readonly NewEvent[], error: unknown): Promise<Appended> {
  if (!(error instanceof QuipuError) || !error.isRetryable) throw error;
  return client.append(stream, Expected.any, events);
}
