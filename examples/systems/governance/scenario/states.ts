/**
 * Aggregates by all ways of loading them, which must come to the same.
 */
import { isDeepStrictEqual } from "node:util";

import type { Client, RecordedEvent } from "quipu-client";

import type { AnyState } from "../src/aggregates/kinds.js";
import { kindOf } from "../src/aggregates/kinds.js";
import { AGGREGATE_TYPES } from "../src/events/contracts.js";
import { aggregateOf, toDomainEvent } from "../src/events/domain-event.js";
import { grouped } from "../src/grouped.js";
import { loadFromArchive } from "../src/store/archive.js";
import { Repository } from "../src/store/repository.js";

/** Aggregates whose state is not what their events in the log come to, in words; `archive` holds those finished. */
export async function wrongStates(client: Client, log: readonly RecordedEvent[], archive?: string): Promise<string[]> {
  const repository = new Repository(client);
  const wrong: string[] = [];
  for (const [stream, events] of grouped(log, (event) => event.stream)) {
    const type = AGGREGATE_TYPES.find((it) => stream.startsWith(`${it}-`));
    if (type === undefined) continue;
    const ref = aggregateOf(type, stream);
    const kind = kindOf(type);
    const ought = events.reduce<AnyState>((state, event) => kind.fold(state, toDomainEvent(event)), kind.initial());
    const inArchive = archive !== undefined && kind.isFinished(ought);
    const history = inArchive ? loadFromArchive(client, archive, ref) : repository.loadFromHistory(ref);
    if (!isDeepStrictEqual(await repository.load(ref), ought))
      wrong.push(`${stream} is not what its snapshot makes it`);
    if (!isDeepStrictEqual(await history, ought)) wrong.push(`${stream} is not what its history makes it`);
  }
  return wrong;
}
