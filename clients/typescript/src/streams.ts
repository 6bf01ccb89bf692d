/**
 * What is known of streams, and how they end.
 *
 * Owns the values and the calls about them. A stream is there as soon as it has an event; there is nothing to create.
 * All calls are safe to repeat and retried while the server is unavailable.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";

import type { Cancellable, Connection } from "./connection.js";
import { hasReason, required } from "./errors.js";
import { Expected } from "./expected.js";
import type {
  StreamInfo as StreamInfoWire,
  StreamMetadata as StreamMetadataWire,
  StreamMetadataSchema,
} from "./gen/quipu/v1/streams_pb.js";
import type { PageOptions } from "./listing.js";
import { Listing, pageOf, pageToWire } from "./listing.js";
import { durationToWire, optionalMs, optionalTime } from "./time.js";

/** What is to be done with a stream's events, and what its owner notes about it. */
export interface StreamMetadata {
  /** Events older than this, in milliseconds, are hidden. */
  readonly maxAgeMs?: number | undefined;
  /** Only so many of the newest events are shown. */
  readonly maxCount?: bigint | undefined;
  /** Events before this revision, exclusive, are hidden. */
  readonly truncateBefore?: bigint | undefined;
  /** Free text pairs. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** What is known of a stream. */
export interface StreamInfo {
  /** The stream's name. */
  readonly name: string;
  /** The revision of its first readable event; none when all are hidden. */
  readonly firstRevision: bigint | undefined;
  /** The revision of its last event; none when it has metadata and no event yet. */
  readonly headRevision: bigint | undefined;
  /** How many events can be read. */
  readonly eventCount: bigint;
  /** The position of its last event; 0 when it has none. */
  readonly lastPosition: bigint;
  /** Server time of its first readable event. */
  readonly firstRecordedAt: Date | undefined;
  /** Server time of its last event. */
  readonly lastRecordedAt: Date | undefined;
  /** Its metadata, if it has any. */
  readonly metadata: StreamMetadata | undefined;
}

/** How many events have a name. */
export interface NamedCount {
  /** A type or a category. */
  readonly name: string;
  readonly events: bigint;
}

/** Counts of a log, without its system streams. */
export interface Statistics {
  /** All events. */
  readonly events: bigint;
  /** How many streams there are, deleted ones included. */
  readonly streams: bigint;
  /** By type, the most frequent first; at most 1,000. */
  readonly types: readonly NamedCount[];
  /** By category, the most frequent first; at most 1,000. */
  readonly categories: readonly NamedCount[];
  /** By day in UTC, such as `2026-11-21`, oldest first. */
  readonly days: readonly { readonly day: string; readonly events: bigint }[];
  /** Events whose type is not in `types`, since there are too many. */
  readonly eventsOfOtherTypes: bigint;
  /** Events whose category is not in `categories`, since there are too many. */
  readonly eventsOfOtherCategories: bigint;
}

/** Which streams to list. */
export interface ListStreamsOptions extends Cancellable, PageOptions {
  /** Only names that begin with this. */
  readonly prefix?: string | undefined;
  /** Only streams of this category: names that begin with it and a `-`. */
  readonly category?: string | undefined;
  /** Also system streams, whose names start with `$`. */
  readonly includeSystem?: boolean | undefined;
}

/** What a stream must look like for a change; anything by default. */
export interface ChangeOptions extends Cancellable {
  readonly expected?: Expected | undefined;
}

/** Streams of one tenant. */
export class Streams {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What is known of a stream; none when it has neither event nor metadata, or was deleted. */
  async get(stream: string, options: Cancellable = {}): Promise<StreamInfo | undefined> {
    try {
      const answer = await this.#connection.call((it) => this.#connection.streams.get({ stream }, it), options);
      return infoFromWire(required(answer.stream, "the stream"));
    } catch (error) {
      if (hasReason(error, "STREAM_NOT_FOUND", "STREAM_DELETED", "STREAM_TOMBSTONED", "TENANT_NOT_FOUND")) {
        return undefined;
      }
      throw error;
    }
  }

  /** The names of streams, sorted by bytes, without deleted ones. */
  list(options: ListStreamsOptions = {}): Listing<string> {
    const { prefix = "", category = "", includeSystem = false } = options;
    return new Listing(async (token) => {
      const request = { prefix, category, includeSystem, ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.streams.list(request, it), options);
      return pageOf(answer.streams, answer.nextPageToken);
    }, options.pageToken);
  }

  /**
   * Replaces a stream's metadata, also before its first event; returns the position of the event that says so.
   * `STREAM_TOMBSTONED` when it was deleted for good.
   */
  async setMetadata(stream: string, metadata: StreamMetadata, options: ChangeOptions = {}): Promise<bigint> {
    const request = { stream, metadata: metadataToWire(metadata), ...expectedToWire(options) };
    return (await this.#connection.call((it) => this.#connection.streams.setMetadata(request, it), options)).position;
  }

  /**
   * Deletes a stream; an append revives it, and its revisions go on where they were. Returns the position of the event
   * that says so. `STREAM_NOT_FOUND` when it never had an event.
   */
  async delete(stream: string, options: ChangeOptions = {}): Promise<bigint> {
    const request = { stream, ...expectedToWire(options) };
    return (await this.#connection.call((it) => this.#connection.streams.delete(request, it), options)).position;
  }

  /** Deletes a stream for good: there is no way back. Returns the position of the event that says so. */
  async tombstone(stream: string, options: ChangeOptions = {}): Promise<bigint> {
    const request = { stream, ...expectedToWire(options) };
    return (await this.#connection.call((it) => this.#connection.streams.tombstone(request, it), options)).position;
  }

  /** The types of events with how many there are, in the order of their names. */
  listEventTypes(
    options: Cancellable & PageOptions & { readonly prefix?: string | undefined } = {},
  ): Listing<NamedCount> {
    return new Listing(async (token) => {
      const request = { prefix: options.prefix ?? "", ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.streams.listEventTypes(request, it), options);
      return pageOf(answer.types, answer.nextPageToken);
    }, options.pageToken);
  }

  /** Counts by type, category and day. */
  async statistics(options: Cancellable = {}): Promise<Statistics> {
    const answer = await this.#connection.call((it) => this.#connection.streams.getStatistics({}, it), options);
    const { events, streams, types, categories, days, eventsOfOtherTypes, eventsOfOtherCategories } = answer;
    return { events, streams, types, categories, days, eventsOfOtherTypes, eventsOfOtherCategories };
  }
}

function expectedToWire({ expected }: ChangeOptions) {
  return expected === undefined ? {} : { expected: Expected.toWire(expected) };
}

function metadataToWire(metadata: StreamMetadata): MessageInitShape<typeof StreamMetadataSchema> {
  const { maxAgeMs, maxCount, truncateBefore, properties } = metadata;
  return {
    ...(maxAgeMs !== undefined && { maxAge: durationToWire(maxAgeMs) }),
    ...(maxCount !== undefined && { maxCount }),
    ...(truncateBefore !== undefined && { truncateBefore }),
    properties: { ...properties },
  };
}

function metadataFromWire(wire: StreamMetadataWire): StreamMetadata {
  const { maxAge, maxCount, truncateBefore, properties } = wire;
  return { maxAgeMs: optionalMs(maxAge), maxCount, truncateBefore, properties };
}

function infoFromWire(wire: StreamInfoWire): StreamInfo {
  const { stream: name, firstRevision, headRevision, eventCount, lastPosition } = wire;
  return {
    name,
    firstRevision,
    headRevision,
    eventCount,
    lastPosition,
    firstRecordedAt: optionalTime(wire.firstRecordedAt),
    lastRecordedAt: optionalTime(wire.lastRecordedAt),
    metadata: wire.metadata && metadataFromWire(wire.metadata),
  };
}
