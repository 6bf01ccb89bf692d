/**
 * Folded state of streams, kept in the store.
 *
 * Owns the snapshot values and the calls on them. All calls are safe to repeat and retried while the server is
 * unavailable. The store keeps the last few snapshots of each stream; what is in them is the caller's business.
 */

import type { Cancellable, Connection } from "./connection.js";
import { hasReason, required } from "./errors.js";
import type { Snapshot as SnapshotWire } from "./gen/quipu/v1/snapshots_pb.js";
import { fromJson, toBytes } from "./payload.js";
import { timeOf, timeToWire } from "./time.js";

/** The state of a stream as it was after the event at `revision`. */
export class Snapshot {
  /** The stream's name. */
  readonly stream: string;
  /** The revision of the last event folded in. */
  readonly revision: bigint;
  /** The state, opaque to the store. */
  readonly data: Uint8Array;
  /** The media type of `data`. */
  readonly contentType: string;
  /** Free text pairs. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The version of the state's shape. */
  readonly schemaVersion: string;
  /** Server time of the save. */
  readonly savedAt: Date;

  /** @internal */
  constructor(wire: SnapshotWire) {
    this.stream = wire.stream;
    this.revision = required(wire.revision, "a snapshot's revision");
    this.data = wire.data;
    this.contentType = wire.contentType || "application/json";
    this.metadata = wire.metadata;
    this.schemaVersion = wire.schemaVersion || "1";
    this.savedAt = timeOf(wire.savedAt, "a snapshot's time");
  }

  /** The state out of JSON. It is not checked that it is a `T`. Throws a `QuipuError` when it is not JSON. */
  json<T = unknown>(): T {
    return fromJson(this.data, `the snapshot of ${this.stream} at revision ${this.revision}`) as T;
  }
}

/** What may be said of a snapshot beyond its state. */
export interface SaveOptions extends Cancellable {
  /** The media type of the state; `application/json` by default. */
  readonly contentType?: string | undefined;
  /** Free text pairs. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  /** The version of the state's shape; `1` by default. */
  readonly schemaVersion?: string | undefined;
}

/** What is known of a snapshot without reading it. */
export interface SnapshotInfo {
  /** The revision of the last event folded in. */
  readonly revision: bigint;
  /** Server time of the save. */
  readonly savedAt: Date;
  /** The size of the stored snapshot in bytes. */
  readonly sizeBytes: bigint;
}

/** As of when a state is asked for: after the event at a revision, or after the last one recorded by a time. */
export interface StateOptions extends Cancellable {
  readonly at?: { readonly revision: bigint } | { readonly time: Date } | undefined;
  /** Begins with the first event, whatever snapshots there are. */
  readonly withoutSnapshot?: boolean | undefined;
}

/** A stream's state as the server folds it: each event's data laid over what was before as a JSON merge patch. */
export class FoldedState {
  /** The state: JSON. */
  readonly data: Uint8Array;
  /** The revision of the last event folded in. */
  readonly revision: bigint;
  /** The revision of the snapshot it began with; none when it began with the first event. */
  readonly snapshotRevision: bigint | undefined;
  /** How many events were folded in. */
  readonly events: bigint;

  /** @internal */
  constructor(data: Uint8Array, revision: bigint, snapshotRevision: bigint | undefined, events: bigint) {
    this.data = data;
    this.revision = revision;
    this.snapshotRevision = snapshotRevision;
    this.events = events;
  }

  /** The state out of JSON. It is not checked that it is a `T`. */
  json<T = unknown>(): T {
    return fromJson(this.data, "the folded state") as T;
  }
}

/** Has the server save the state of each stream of a category after every so many events. */
export interface SnapshotPolicy {
  /** The category: of streams whose names begin with this and a `-`. */
  readonly category: string;
  /** After every so many events of a stream; from 2 to 1,000,000. */
  readonly everyEvents: number;
}

/** Snapshots of one tenant. */
export class Snapshots {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Keeps the state of a stream as it is after the event at `revision`, durable before the answer; returns the server
   * time of the save. A state of bytes is taken as it is, any other goes through JSON. `SNAPSHOT_AHEAD` when the stream
   * has not got that far.
   */
  async save(stream: string, revision: bigint, state: unknown, options: SaveOptions = {}): Promise<Date> {
    const { contentType = "", metadata = {}, schemaVersion = "" } = options;
    const request = { stream, revision, data: toBytes(state), contentType, metadata, schemaVersion };
    const answer = await this.#connection.call((it) => this.#connection.snapshots.save(request, it), options);
    return timeOf(answer.savedAt, "the time of the save");
  }

  /** The newest snapshot, or the newest at or before a revision; none when there is none. */
  async get(
    stream: string,
    options: Cancellable & { readonly atOrBefore?: bigint | undefined } = {},
  ): Promise<Snapshot | undefined> {
    const { atOrBefore } = options;
    const request = { stream, ...(atOrBefore !== undefined && { atOrBeforeRevision: atOrBefore }) };
    try {
      const answer = await this.#connection.call((it) => this.#connection.snapshots.get(request, it), options);
      return snapshotFromWire(required(answer.snapshot, "the snapshot"));
    } catch (error) {
      if (hasReason(error, "SNAPSHOT_NOT_FOUND", "TENANT_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** The snapshots of a stream, newest first, without their data. */
  async list(stream: string, options: Cancellable = {}): Promise<SnapshotInfo[]> {
    const answer = await this.#connection.call((it) => this.#connection.snapshots.list({ stream }, it), options);
    return answer.snapshots.map((wire) => ({
      revision: required(wire.revision, "a snapshot's revision"),
      savedAt: timeOf(wire.savedAt, "a snapshot's time"),
      sizeBytes: wire.sizeBytes,
    }));
  }

  /**
   * Deletes the snapshot at a revision, or all of the stream; returns how many. `SNAPSHOT_NOT_FOUND` when there is
   * none, which is also what a retry meets after a first try whose answer was lost.
   */
  async delete(
    stream: string,
    options: Cancellable & { readonly revision?: bigint | undefined } = {},
  ): Promise<bigint> {
    const { revision } = options;
    const request = { stream, ...(revision !== undefined && { revision }) };
    const answer = await this.#connection.call((it) => this.#connection.snapshots.delete(request, it), options);
    return answer.deleted;
  }

  /**
   * Has the server fold a stream's events to its state. `STREAM_NOT_FOUND` when the stream has no event there,
   * `BEYOND_END` when it has not got that far, `NOT_FOLDABLE` when a snapshot or an event is not JSON.
   */
  async getState(stream: string, options: StateOptions = {}): Promise<FoldedState> {
    const request = { stream, at: placeToWire(options.at), withoutSnapshot: options.withoutSnapshot ?? false };
    const answer = await this.#connection.call((it) => this.#connection.snapshots.getState(request, it), options);
    const revision = required(answer.revision, "the state's revision");
    return new FoldedState(answer.data, revision, answer.snapshotRevision, answer.events);
  }

  /** Replaces the policy of a category. Aggregates keep snapshots of their own and pass over those of a policy. */
  async setPolicy(policy: SnapshotPolicy, options: Cancellable = {}): Promise<void> {
    const request = { policy: { category: policy.category, everyEvents: policy.everyEvents } };
    await this.#connection.call((it) => this.#connection.snapshots.setPolicy(request, it), options);
  }

  /** All policies, in the order of their categories. */
  async listPolicies(options: Cancellable = {}): Promise<SnapshotPolicy[]> {
    const answer = await this.#connection.call((it) => this.#connection.snapshots.listPolicies({}, it), options);
    return answer.policies.map(({ category, everyEvents }) => ({ category, everyEvents }));
  }

  /** Deletes the policy of a category; what it has saved stays. `POLICY_NOT_FOUND` when there is none. */
  async deletePolicy(category: string, options: Cancellable = {}): Promise<void> {
    await this.#connection.call((it) => this.#connection.snapshots.deletePolicy({ category }, it), options);
  }
}

/** @internal */
export function snapshotFromWire(wire: SnapshotWire): Snapshot {
  return new Snapshot(wire);
}

function placeToWire(at: StateOptions["at"]) {
  if (at === undefined) return { case: undefined };
  if ("revision" in at) return { case: "revision", value: at.revision } as const;
  return { case: "time", value: timeToWire(at.time) } as const;
}
