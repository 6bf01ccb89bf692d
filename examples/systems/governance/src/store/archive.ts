/**
 * The cold archive: streams of aggregates that are finished, in files, and out of sight in the store.
 *
 * Owns the order that makes it safe: export, read the file back and compare it with the stream, keep the last state as
 * a snapshot, and only then truncate the stream by its metadata, on condition that nothing was appended meanwhile. It
 * can be killed in between and run again. The last event stays in the stream, so that its end can be seen.
 */
import { isDeepStrictEqual } from "node:util";

import type { Client, RecordedEvent, StreamInfo } from "quipu-client";

import type { AnyState } from "../aggregates/kinds.js";
import { kindOf } from "../aggregates/kinds.js";
import { AGGREGATE_TYPES, checked } from "../events/contracts.js";
import type { AggregateRef } from "../events/domain-event.js";
import { aggregateOf, streamOf } from "../events/domain-event.js";
import type { ArchivedEvent } from "./archive-file.js";
import { ArchiveDamaged, readArchive, refuseGaps, toArchived, writeArchive } from "./archive-file.js";
import { Repository } from "./repository.js";

/** Where a stream's metadata keeps the digest of its file. */
const DIGEST = "archive-sha256";

/** What was archived. */
export interface Archived {
  readonly stream: string;
  readonly events: number;
}

/** Archives every finished stream whose last event was recorded before a time, unless it is in the archive. */
export async function archiveFinished(client: Client, directory: string, before: Date): Promise<Archived[]> {
  const repository = new Repository(client);
  const archived: Archived[] = [];
  for (const type of AGGREGATE_TYPES) {
    for await (const stream of client.streams.list({ category: type })) {
      const info = await client.streams.get(stream);
      if (info === undefined || !isDue(info, before)) continue;
      const ref = aggregateOf(type, stream);
      const state = await repository.loadFromHistory(ref);
      if (kindOf(type).isFinished(state)) archived.push(await archive(client, directory, ref, state));
    }
  }
  return archived;
}

/** Archives the stream of an aggregate whose state this is. */
async function archive(client: Client, directory: string, ref: AggregateRef, state: AnyState): Promise<Archived> {
  const stream = streamOf(ref);
  const events = (await client.readStream(stream).toArray()).map(toArchived);
  refuseGaps(stream, events);
  const digest = await writeArchive(directory, stream, events);
  refuseDifference(stream, await readArchive(directory, stream, digest), await client.readStream(stream).toArray());
  const head = BigInt(events.length - 1);
  await client.snapshots.save(stream, head, state, { schemaVersion: kindOf(ref.type).stateVersion });
  const properties = { [DIGEST]: digest };
  await client.streams.setMetadata(stream, { truncateBefore: head, properties }, { expected: head });
  return { stream, events: events.length };
}

/** All events of an aggregate that is in the archive. */
export async function archivedEvents(client: Client, directory: string, ref: AggregateRef): Promise<ArchivedEvent[]> {
  const stream = streamOf(ref);
  const digest = (await client.streams.get(stream))?.metadata?.properties?.[DIGEST];
  if (digest === undefined) throw new ArchiveDamaged(`${stream} was not archived`);
  return readArchive(directory, stream, digest);
}

/** The state of an aggregate by the history in the archive. */
export async function loadFromArchive(client: Client, directory: string, ref: AggregateRef): Promise<AnyState> {
  const kind = kindOf(ref.type);
  const events = await archivedEvents(client, directory, ref);
  return events.reduce(
    (state, { type, schema_version: version, data }) => kind.fold(state, checked(type, version, data)),
    kind.initial(),
  );
}

function isDue({ lastRecordedAt, metadata }: StreamInfo, before: Date): boolean {
  if (metadata?.truncateBefore !== undefined) return false;
  return lastRecordedAt !== undefined && lastRecordedAt < before;
}

/** The file, read back, must hold what the stream holds. */
function refuseDifference(stream: string, file: readonly ArchivedEvent[], events: readonly RecordedEvent[]): void {
  // JSON leaves out what is undefined.
  const ought = JSON.parse(JSON.stringify(events.map(toArchived))) as unknown;
  if (!isDeepStrictEqual(file, ought)) throw new ArchiveDamaged(`the archive of ${stream} differs from the stream`);
}
