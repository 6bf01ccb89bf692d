/**
 * Files of the cold archive.
 *
 * One file holds the events of one stream, a JSON line for each, in the form that `quipu export` writes and
 * `quipu import` takes. A file is written beside, synced and renamed, so it is there whole or not at all.
 */
import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import type { RecordedEvent } from "quipu-client";

/** An event of the archive. */
export interface ArchivedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  readonly schema_version: string;
  readonly correlation_id?: string | undefined;
  readonly causation_id?: string | undefined;
  readonly tags: readonly string[];
  readonly occurred_at?: string | undefined;
  readonly recorded_at: string;
}

/** Something is missing from the archive, or not as it was. */
export class ArchiveDamaged extends Error {
  override readonly name = "ArchiveDamaged";
}

/** An event as a line has it. */
export function toArchived(event: RecordedEvent): ArchivedEvent {
  return {
    stream: event.stream,
    revision: Number(event.revision),
    position: Number(event.position),
    id: event.id,
    type: event.type,
    data: event.json(),
    metadata: event.metadata,
    schema_version: event.schemaVersion,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    tags: event.tags,
    occurred_at: event.occurredAt?.toISOString(),
    recorded_at: event.recordedAt.toISOString(),
  };
}

/** The file of a stream. A name may hold anything, so it is encoded. */
export function archiveFile(directory: string, stream: string): string {
  return join(directory, `${encodeURIComponent(stream)}.jsonl`);
}

/** Writes the file of a stream; returns the digest of what is in it. */
export async function writeArchive(
  directory: string,
  stream: string,
  events: readonly ArchivedEvent[],
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = archiveFile(directory, stream);
  const draft = `${path}.draft`;
  const content = events.map((event) => `${JSON.stringify(event)}\n`).join("");
  await withFile(draft, "w", async (file) => {
    await file.writeFile(content);
    await file.sync();
  });
  await rename(draft, path);
  await withFile(directory, "r", (folder) => folder.sync());
  return digestOf(content);
}

/** The events of a stream's file. Throws `ArchiveDamaged` when its digest is another or a revision is missing. */
export async function readArchive(directory: string, stream: string, digest: string): Promise<ArchivedEvent[]> {
  const content = await readFile(archiveFile(directory, stream), "utf8");
  if (digestOf(content) !== digest) throw new ArchiveDamaged(`the archive of ${stream} is not as it was written`);
  const events = content
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ArchivedEvent);
  refuseGaps(stream, events);
  return events;
}

/** A stream's revisions go from 0 without a gap. */
export function refuseGaps(stream: string, events: readonly ArchivedEvent[]): void {
  const gap = events.findIndex((event, index) => event.revision !== index || event.stream !== stream);
  if (gap >= 0) throw new ArchiveDamaged(`the archive of ${stream} has not got revision ${gap}`);
}

function digestOf(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

type FileHandle = Awaited<ReturnType<typeof open>>;

async function withFile(path: string, flags: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
