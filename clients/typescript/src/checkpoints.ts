/**
 * How far named consumers have got, kept in the store.
 *
 * Owns `Checkpoint` and the calls about it. All calls are retried while the server is unavailable. What moves together
 * with events moves by a transaction.
 */
import type { Cancellable, Connection } from "./connection.js";
import { hasReason, required } from "./errors.js";
import type { ConsumerCheckpoint } from "./gen/quipu/v1/checkpoints_pb.js";
import type { PageOptions } from "./listing.js";
import { Listing, pageOf, pageToWire } from "./listing.js";
import { durationToWire, timeOf } from "./time.js";

/** A consumer's position. */
export interface Checkpoint {
  /** The consumer's name. */
  readonly name: string;
  /** Everything up to here, inclusive, has been dealt with. */
  readonly position: bigint;
  /** Server time of the last change. */
  readonly updatedAt: Date;
}

/** What a checkpoint must be to be set: anything, not there, or at exactly this position. */
export type ExpectedCheckpoint = "any" | "none" | bigint;

/** How a wait for a checkpoint ended. */
export interface WaitOutcome {
  /** Whether the checkpoint is at the position asked for, or beyond it. */
  readonly reached: boolean;
  /** Where the checkpoint is; none when there is none of this name. */
  readonly position: bigint | undefined;
}

/** Checkpoints of one tenant. */
export class Checkpoints {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The checkpoint of this name; none when there is none. */
  async get(name: string, options: Cancellable = {}): Promise<Checkpoint | undefined> {
    try {
      const answer = await this.#connection.call((it) => this.#connection.checkpoints.get({ name }, it), options);
      return checkpointFromWire(required(answer.checkpoint, "the checkpoint"));
    } catch (error) {
      if (hasReason(error, "CHECKPOINT_NOT_FOUND", "TENANT_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /**
   * Sets a checkpoint, forwards or backwards; durable before the answer. `BEYOND_END` when the position lies beyond the
   * head, `WRONG_CHECKPOINT` when the checkpoint is not as expected.
   */
  async set(
    name: string,
    position: bigint,
    options: Cancellable & { readonly expected?: ExpectedCheckpoint | undefined } = {},
  ): Promise<Checkpoint> {
    const request = { name, position, ...expectedToWire(options.expected ?? "any") };
    const answer = await this.#connection.call((it) => this.#connection.checkpoints.set(request, it), options);
    return checkpointFromWire(required(answer.checkpoint, "the checkpoint"));
  }

  /** Checkpoints whose names begin with `prefix`, in the order of their names. */
  list(options: Cancellable & PageOptions & { readonly prefix?: string | undefined } = {}): Listing<Checkpoint> {
    return new Listing(async (token) => {
      const request = { prefix: options.prefix ?? "", ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.checkpoints.list(request, it), options);
      return pageOf(answer.checkpoints.map(checkpointFromWire), answer.nextPageToken);
    }, options.pageToken);
  }

  /**
   * Deletes a checkpoint. `CHECKPOINT_NOT_FOUND` when there is none of this name, which is also what a retry meets
   * after a first try whose answer was lost.
   */
  async delete(name: string, options: Cancellable = {}): Promise<void> {
    await this.#connection.call((it) => this.#connection.checkpoints.delete({ name }, it), options);
  }

  /**
   * Waits until a consumer's checkpoint has reached a position, such as that of an append, for at most `timeoutMs`
   * milliseconds: 30,000 by default, 10 minutes at most. The consumer need not have a checkpoint yet.
   */
  async wait(
    name: string,
    position: bigint,
    options: Cancellable & { readonly timeoutMs?: number | undefined } = {},
  ): Promise<WaitOutcome> {
    const timeoutMs = options.timeoutMs ?? 30_000;
    const until = performance.now() + timeoutMs;
    const wait = await this.#connection.call(
      (it) => {
        // What the tries before took is not waited for again.
        const timeout = durationToWire(Math.max(until - performance.now(), 0));
        return this.#connection.checkpoints.wait({ name, position, timeout }, it);
      },
      options,
      timeoutMs,
    );
    return { reached: wait.reached, position: wait.position };
  }
}

function expectedToWire(expected: ExpectedCheckpoint) {
  if (expected === "any") return {};
  return { expected: expected === "none" ? {} : { position: expected } };
}

function checkpointFromWire({ name, position, updatedAt }: ConsumerCheckpoint): Checkpoint {
  return { name, position, updatedAt: timeOf(updatedAt, "a checkpoint's time") };
}
