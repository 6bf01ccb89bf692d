/**
 * Read models out of events, each event exactly once.
 *
 * Owns `Projector`: it follows the log behind the read model's position, has handlers turn events into changes, and
 * writes the changes of a batch together with its position, on condition of the position before. Whoever lost track,
 * since somebody else is projecting or an answer was lost, begins again from the read model's position.
 */
import type { ModelTransaction, Target } from "./batch.js";
import { Batch } from "./batch.js";
import type { Client } from "./client.js";
import type { Cancellable } from "./connection.js";
import { hasReason, QuipuError } from "./errors.js";
import { Handlers } from "./handlers.js";
import type { Query } from "./query.js";
import type { RecordedEvent } from "./recorded.js";

/** Turns an event into changes of documents. It may be called again for an event whose batch was not written. */
export type Projection = (event: RecordedEvent, tx: ModelTransaction) => Promise<void> | void;

/** How a projector works. */
export interface ProjectorOptions {
  /** Which events; by default those of the types that have handlers. */
  readonly query?: Query | undefined;
  /** At most so many events in a write; 500 by default. */
  readonly batchSize?: number | undefined;
}

/** When to end by itself. */
type Until = "caughtUp" | "stopped";

/** The most types that an item of a query may have. */
const TYPES_PER_ITEM = 64;

/** Projects events into a read model. */
export class Projector {
  readonly #client: Client;
  readonly #model: string;
  readonly #options: ProjectorOptions;
  readonly #handlers = new Handlers<Projection>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(client: Client, model: string, options: ProjectorOptions = {}) {
    this.#client = client;
    this.#model = model;
    this.#options = options;
  }

  /**
   * Has events of a type, or of a version of it, projected. An event gets the handlers of its exact version, or else
   * those of the major one (`2` for `2.1`), or else those without a version.
   */
  on(type: string, handler: Projection): this;
  on(type: string, version: string, handler: Projection): this;
  on(type: string, ...rest: [Projection] | [string, Projection]): this {
    const [version, handler] = rest.length === 1 ? [undefined, rest[0]] : rest;
    this.#handlers.add(type, handler, version);
    return this;
  }

  /**
   * Keeps the read model up to date until `stop` is called or the signal is aborted, which is the same. Throws what a
   * handler throws; nothing of that batch is written then.
   */
  async run(options: Cancellable = {}): Promise<void> {
    if (this.#running !== undefined) throw new QuipuError("a projector runs once");
    const stop = (): void => this.#stopping.abort();
    options.signal?.addEventListener("abort", stop);
    if (options.signal?.aborted === true) stop();
    try {
      this.#running = this.#run();
      await this.#running;
    } finally {
      options.signal?.removeEventListener("abort", stop);
    }
  }

  /** Ends `run` and waits for it. What is not written yet is projected again by the next run. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.catch(() => undefined);
  }

  /**
   * Projects everything from the first event into a new generation and makes it the active one when it has caught up;
   * readers see the old one until then. Returns its number. A projector that runs meanwhile goes on with the new one.
   */
  async rebuild(options: Cancellable = {}): Promise<bigint> {
    const generation = await this.#client.readModels.begin(this.#model, options);
    const locate = async (): Promise<Target> => {
      const generations = await this.#client.readModels.describe(this.#model, options);
      const found = generations?.find((it) => it.generation === generation);
      if (found === undefined) throw new QuipuError(`generation ${generation} of ${this.#model} is gone`);
      return found;
    };
    const expectedPosition = await this.#follow(locate, options.signal, "caughtUp");
    await this.#client.readModels.switch(this.#model, generation, { ...options, expectedPosition });
    return generation;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const locate = async (): Promise<Target> => {
      const generations = await this.#client.readModels.describe(this.#model, { signal });
      return generations?.find(({ isActive }) => isActive) ?? { generation: undefined, position: 0n };
    };
    try {
      await this.#follow(locate, signal, "stopped");
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
    }
  }

  /** Projects into the generation that `locate` finds, anew after it was lost. Returns the position it has come to. */
  async #follow(locate: () => Promise<Target>, signal: AbortSignal | undefined, until: Until): Promise<bigint> {
    for (;;) {
      try {
        return await this.#project(await locate(), signal, until);
      } catch (error) {
        // A generation that is gone has made way for a newer one.
        if (!hasReason(error, "WRONG_READ_MODEL_POSITION", "READ_MODEL_NOT_FOUND")) throw error;
        this.#client.connection.settings.logger.debug(`projector ${this.#model} begins again: ${error.message}`);
      }
    }
  }

  async #project(target: Target, signal: AbortSignal | undefined, until: Until): Promise<bigint> {
    const { batchSize = 500 } = this.#options;
    const batch = new Batch(this.#client, this.#model, target, signal);
    await using events = this.#client.subscribeAll({ from: { after: target.position }, query: this.#query(), signal });
    let isLive = false;
    for await (const message of events.messages()) {
      if (message.kind === "reconnected") continue;
      if (message.kind === "events") {
        for (const event of message.events) {
          await this.#apply(event, batch);
          if (batch.events >= batchSize) await batch.write(event.position);
        }
        // What is live is not kept waiting for more.
        const last = message.events.at(-1);
        if (isLive && last !== undefined) await batch.write(last.position);
        continue;
      }
      isLive = message.kind === "fellBehind" ? false : isLive || message.kind === "caughtUp";
      // Events that do not match count for the position too, now and then while there are many of them.
      const passed = message.position - batch.position;
      if (isLive || passed >= BigInt(batchSize)) await batch.write(message.position);
      if (until === "caughtUp" && message.kind === "caughtUp") break;
    }
    return batch.position;
  }

  async #apply(event: RecordedEvent, batch: Batch): Promise<void> {
    const handlers = this.#handlers.of(event, this.#client.connection.settings.logger);
    for (const handler of handlers) await handler(event, batch);
    batch.events += 1;
  }

  #query(): Query {
    const types = this.#handlers.types();
    if (this.#options.query !== undefined || types.length === 0) return this.#options.query ?? "all";
    const items = Array.from({ length: Math.ceil(types.length / TYPES_PER_ITEM) }, (_, item) => item * TYPES_PER_ITEM);
    return items.map((first) => ({ types: types.slice(first, first + TYPES_PER_ITEM) }));
  }
}
