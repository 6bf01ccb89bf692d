/**
 * Deciding on the state of one stream.
 *
 * Owns `Aggregate`: it folds a stream to its state, has a decision made on it, and appends what was decided if nobody
 * was faster; otherwise it loads what is new and has the decision made again. Snapshots only make loading quicker: the
 * state is the same without them.
 */
import type { Appended } from "./append.js";
import type { Client } from "./client.js";
import type { Cancellable } from "./connection.js";
import { hasReason } from "./errors.js";
import type { NewEvent } from "./event.js";
import { Expected } from "./expected.js";
import { inWords } from "./logger.js";
import { toBytes } from "./payload.js";
import type { Reading } from "./reading.js";
import type { RecordedEvent } from "./recorded.js";
import { backoffMs, pause } from "./retry.js";
import type { Snapshot } from "./snapshots.js";

/** The pauses between decisions when others are faster. */
const CONFLICT_BACKOFF = { attempts: Infinity, initialBackoffMs: 2, maxBackoffMs: 100 };

/** How the events of a kind of stream are folded. */
export interface AggregateDefinition<State> {
  /** The state before the first event: a new one each time. */
  readonly initial: () => State;
  /** The state after an event. It may change the state in place and return it. */
  readonly apply: (state: State, event: RecordedEvent) => State;
  /** Saves a snapshot when so many events have come since the last one; never by default. */
  readonly snapshotEvery?: number | undefined;
  /**
   * The version of the state's shape. Snapshots of another version are passed over; change it whenever `apply` or the
   * shape changes. `aggregate-1` by default, which no snapshot has that somebody else made.
   */
  readonly snapshotVersion?: string | undefined;
  /** The state as bytes for a snapshot; JSON by default. */
  readonly encode?: ((state: State) => Uint8Array) | undefined;
  /** The state out of a snapshot's bytes; out of JSON by default. */
  readonly decode?: ((data: Uint8Array) => State) | undefined;
}

/** What to append, given the state; nothing to leave it as it is. What it throws goes to who asked. */
export type Decide<State> = (state: State) => readonly NewEvent[] | Promise<readonly NewEvent[]>;

/** How to execute a decision. */
export interface ExecuteOptions extends Cancellable {
  /** How often a decision is made at most when others are faster; 10 by default. */
  readonly maxTries?: number | undefined;
}

/** The state of one stream, and decisions on it. Made for one task: calls on one aggregate go one after the other. */
export class Aggregate<State> {
  /** The stream's name. */
  readonly stream: string;
  readonly #client: Client;
  readonly #definition: AggregateDefinition<State>;
  readonly #snapshotVersion: string;
  #state: State;
  #revision: bigint | undefined;
  #snapshotRevision: bigint | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(client: Client, stream: string, definition: AggregateDefinition<State>) {
    this.stream = stream;
    this.#client = client;
    this.#definition = definition;
    this.#snapshotVersion = definition.snapshotVersion ?? "aggregate-1";
    this.#state = definition.initial();
  }

  /** The state, as it was when it was loaded last. */
  get state(): State {
    return this.#state;
  }

  /** The revision of the last event in the state; none before the first. */
  get revision(): bigint | undefined {
    return this.#revision;
  }

  /**
   * Brings the state up to date: the first time from the newest snapshot, then by what is new. A stream without an
   * event, or deleted, has the initial state. Throws `STREAM_TOMBSTONED` when it was deleted for good.
   */
  async load(options: Cancellable = {}): Promise<State> {
    const from = this.#revision === undefined ? undefined : { revision: this.#revision + 1n };
    const reading = this.#client.readStream(this.stream, { ...options, from, withSnapshot: from === undefined });
    try {
      const snapshot = await reading.snapshot();
      if (snapshot !== undefined && !this.#beginWith(snapshot)) return await this.rebuild(options);
      return await this.#fold(reading);
    } catch (error) {
      return this.#emptied(error);
    }
  }

  /** Folds the state anew from the first event, whatever snapshots there are. */
  async rebuild(options: Cancellable = {}): Promise<State> {
    this.#reset();
    try {
      return await this.#fold(this.#client.readStream(this.stream, options));
    } catch (error) {
      return this.#emptied(error);
    }
  }

  /**
   * Loads what is new, has `decide` say what to append, and appends it if the stream is still as it was then; otherwise
   * it does so again. Returns where the events went, or nothing when there were none; the state then has them. Throws
   * what `decide` throws, and the conflict when the tries are used up.
   */
  async execute(decide: Decide<State>, options: ExecuteOptions = {}): Promise<Appended | undefined> {
    const { maxTries = 10, signal } = options;
    for (let tries = 1; ; tries += 1) {
      const events = await decide(await this.load({ signal }));
      if (events.length === 0) return undefined;
      let appended: Appended;
      try {
        appended = await this.#client.append(this.stream, this.#revision ?? Expected.noStream, events, { signal });
      } catch (error) {
        if (!hasReason(error, "WRONG_EXPECTED_REVISION") || tries >= maxTries) throw error;
        // Who lost the race steps back for a moment, so that many writers do not lose it again and again.
        await pause(backoffMs(CONFLICT_BACKOFF, tries), signal);
        continue;
      }
      await this.#catchUp();
      return appended;
    }
  }

  /** Folds what was just appended, from what is stored and not from what was sent, so it is the same for everyone. */
  async #catchUp(): Promise<void> {
    try {
      await this.load();
      this.#saveNowAndThen();
    } catch (error) {
      // The append went in, and says so; the state follows with the next load.
      this.#warn(`the state could not be brought up to date: ${inWords(error)}`);
    }
  }

  /** Waits until the snapshots that are being saved are saved, or have failed. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  async #fold(reading: Reading): Promise<State> {
    for await (const event of reading) {
      this.#state = this.#definition.apply(this.#state, event);
      this.#revision = event.revision;
    }
    // Events that the stream's metadata hides count for the revision.
    if (reading.head !== undefined && reading.head > (this.#revision ?? -1n)) this.#revision = reading.head;
    return this.#state;
  }

  /** Begins with a snapshot, if it is one of this definition. */
  #beginWith(snapshot: Snapshot): boolean {
    if (snapshot.schemaVersion !== this.#snapshotVersion) return false;
    try {
      const { decode } = this.#definition;
      this.#state = decode === undefined ? snapshot.json<State>() : decode(snapshot.data);
    } catch (error) {
      this.#warn(`the snapshot at revision ${snapshot.revision} cannot be used: ${inWords(error)}`);
      return false;
    }
    this.#revision = snapshot.revision;
    this.#snapshotRevision = snapshot.revision;
    return true;
  }

  /** The initial state, when that is what an error of a read means. */
  #emptied(error: unknown): State {
    if (!hasReason(error, "STREAM_NOT_FOUND", "STREAM_DELETED", "TENANT_NOT_FOUND")) throw error;
    this.#reset();
    return this.#state;
  }

  #reset(): void {
    this.#state = this.#definition.initial();
    this.#revision = undefined;
    this.#snapshotRevision = undefined;
  }

  /** Saves a snapshot in the background when one is due. The state is encoded now, before it goes on. */
  #saveNowAndThen(): void {
    const { snapshotEvery, encode } = this.#definition;
    const revision = this.#revision;
    if (snapshotEvery === undefined || revision === undefined) return;
    if (revision - (this.#snapshotRevision ?? -1n) < BigInt(snapshotEvery)) return;
    this.#snapshotRevision = revision;
    const save = async (data: Uint8Array): Promise<void> => {
      await this.#client.snapshots.save(this.stream, revision, data, { schemaVersion: this.#snapshotVersion });
    };
    const failed = (error: unknown): void => {
      this.#warn(`the snapshot at revision ${revision} was not saved: ${inWords(error)}`);
    };
    try {
      const saving = save(encode === undefined ? toBytes(this.#state) : encode(this.#state)).catch(failed);
      this.#saving = Promise.all([this.#saving, saving]).then(() => undefined);
    } catch (error) {
      failed(error);
    }
  }

  #warn(message: string): void {
    this.#client.connection.settings.logger.warn(`${this.stream}: ${message}`);
  }
}
