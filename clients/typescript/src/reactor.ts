/**
 * Handlers on a consumer group.
 *
 * Owns `Reactor`: it takes part in a group, has the handlers of each event called, and settles what comes of it. It
 * reconnects for ever, and stops in order. What a handler did whose settlement was lost comes again, so handlers must
 * bear a repetition.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";

import type { Client } from "./client.js";
import type { Cancellable } from "./connection.js";
import type { CreateGroupOptions } from "./consumers.js";
import { hasReason, QuipuError } from "./errors.js";
import { Handlers } from "./handlers.js";
import type { Logger } from "./logger.js";
import { inWords } from "./logger.js";
import type { Member } from "./member.js";
import type { Handler, Verdict } from "./reaction.js";
import { Reactions } from "./reaction.js";
import type { ReactorMetrics } from "./reactor-metrics.js";
import { ReactorCounts } from "./reactor-metrics.js";
import { backoffMs, pause, RetryPolicy } from "./retry.js";
import type { RecordedEvent } from "./recorded.js";
import type { Delivery, SettleOutcome } from "./settle.js";
import { fromFailure } from "./status.js";
import { SILENCE_MS } from "./subscribe.js";

/** How a reactor works. */
export interface ReactorOptions {
  /** The group's settings, for when it is not there yet; one that is there is left as it is. */
  readonly group?: Omit<CreateGroupOptions, "signal"> | undefined;
  /** The member's own name in the group; by default one that nobody else has. */
  readonly member?: string | undefined;
  /** So many events are dealt with at the same time; 16 by default. */
  readonly concurrency?: number | undefined;
  /** How long `stop` waits for what is in hand, in milliseconds; 10,000 by default. */
  readonly stopTimeoutMs?: number | undefined;
  /** After so long a silence, in milliseconds, the server is given up and connected to again; 45,000 by default. */
  readonly silenceMs?: number | undefined;
}

/** Reacts to the events of a consumer group. */
export class Reactor {
  readonly #client: Client;
  readonly #group: string;
  readonly #name: string;
  readonly #options: ReactorOptions;
  readonly #logger: Logger;
  readonly #handlers = new Handlers<Handler>();
  readonly #counts = new ReactorCounts();
  readonly #reactions: Reactions;
  /** Work on events, from the delivery to the answer of the server. */
  readonly #inHand = new Set<Promise<void>>();
  /** Positions of events whose handlers run: one that is delivered again meanwhile is not dealt with twice. */
  readonly #handling = new Set<bigint>();
  readonly #timeUp = new AbortController();
  readonly #stopping = new AbortController();
  #member: Member | undefined;
  /** Whether something was delivered after the stop, which this reactor does not deal with. */
  #isPassedOver = false;
  #running: Promise<void> | undefined;

  constructor(client: Client, group: string, options: ReactorOptions = {}) {
    this.#client = client;
    this.#group = group;
    this.#options = options;
    this.#name = options.member ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
    this.#logger = client.connection.settings.logger;
    this.#reactions = new Reactions(this.#handlers, this.#counts, this.#logger);
  }

  /**
   * Has events of a type, or of a version of it, handled. There may be several handlers; all must succeed. An event
   * gets those of its exact version, or else those of the major one (`2` for `2.1`), or else those without a version.
   */
  on(type: string, handler: Handler): this;
  on(type: string, version: string, handler: Handler): this;
  on(type: string, ...rest: [Handler] | [string, Handler]): this {
    const [version, handler] = rest.length === 1 ? [undefined, rest[0]] : rest;
    this.#handlers.add(type, handler, version);
    return this;
  }

  /** How it is doing. */
  get metrics(): ReactorMetrics {
    return this.#counts.read(this.#inHand.size);
  }

  /**
   * Makes the group if it is not there, and deals with its events until `stop` is called or the signal is aborted,
   * which is the same. Throws what cannot be mended by connecting again, such as `MEMBER_EXISTS` or `GROUP_NOT_FOUND`
   * after the group was deleted.
   */
  async run(options: Cancellable = {}): Promise<void> {
    if (this.#running !== undefined) throw new QuipuError("a reactor runs once");
    const stop = (): void => void this.stop();
    options.signal?.addEventListener("abort", stop);
    try {
      this.#running = this.#run();
      if (options.signal?.aborted === true) stop();
      await this.#running;
    } finally {
      options.signal?.removeEventListener("abort", stop);
    }
  }

  /**
   * Takes no new events, finishes and settles those in hand, and returns when `run` has. What is not finished in time
   * is delivered again, to another member or a later run.
   */
  async stop(): Promise<void> {
    if (!this.#stopping.signal.aborted) {
      const timer = setTimeout(() => this.#timeUp.abort(), this.#options.stopTimeoutMs ?? 10_000).unref();
      void this.#running?.catch(() => undefined).finally(() => clearTimeout(timer));
      this.#stopping.abort();
      this.#member?.setCredits(0);
      void this.#drain();
    }
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const closeMember = (): void => void this.#member?.close();
    this.#timeUp.signal.addEventListener("abort", closeMember);
    let isMade = false;
    let failures = 0;
    while (!this.#isOver()) {
      try {
        if (!isMade) await this.#makeGroup();
        isMade = true;
        if (this.#isOver()) return;
        for await (const delivery of this.#join()) {
          failures = 0;
          this.#take(delivery);
        }
        return;
      } catch (failure) {
        failures += 1;
        await this.#recover(fromFailure(failure), failures);
      }
    }
  }

  /** Whether there is nothing left to connect for. */
  #isOver(): boolean {
    return this.#stopping.signal.aborted && (this.#inHand.size === 0 || this.#timeUp.signal.aborted);
  }

  async #makeGroup(): Promise<void> {
    if ((await this.#client.consumers.get(this.#group)) !== undefined) return;
    try {
      await this.#client.consumers.create(this.#group, this.#options.group);
    } catch (error) {
      // Somebody else made it in between.
      if (!hasReason(error, "GROUP_EXISTS")) throw error;
    }
  }

  #join(): Member {
    const { concurrency = 16, silenceMs = SILENCE_MS } = this.#options;
    // One that is stopping comes back only to settle what it has in hand.
    const credits = this.#stopping.signal.aborted ? 0 : concurrency;
    this.#member = this.#client.consumers.consume(this.#group, this.#name, { credits, silenceMs });
    return this.#member;
  }

  /** Waits before the next try to connect, or throws what no other try would mend. */
  async #recover(error: unknown, failures: number): Promise<void> {
    this.#client.connection.throwIfClosed();
    // After a break, the member of this name may be what the server has not yet seen go away.
    const isOwnShadow = this.#member !== undefined && failures > 1 && hasReason(error, "MEMBER_EXISTS");
    const isMendable = (error instanceof QuipuError && error.isRetryable) || isOwnShadow;
    if (!isMendable) throw error;
    this.#logger.debug(`reactor ${this.#group}: ${inWords(error)}, connecting again`);
    const { signal } = this.#stopping.signal.aborted ? this.#timeUp : this.#stopping;
    await pause(backoffMs(RetryPolicy.forever, failures), signal).catch(() => undefined);
  }

  #take({ event, tryNumber }: Delivery): void {
    if (this.#stopping.signal.aborted) {
      this.#isPassedOver = true;
      if (this.#inHand.size === 0) this.#end();
      return;
    }
    if (this.#handling.has(event.position)) return;
    const dealing = this.#deal(event, tryNumber).finally(() => this.#inHand.delete(dealing));
    this.#inHand.add(dealing);
  }

  async #deal(event: RecordedEvent, tryNumber: number): Promise<void> {
    const { position } = event;
    const context = { tryNumber, signal: this.#timeUp.signal };
    this.#handling.add(position);
    const verdict = await this.#reactions.react(event, () => this.#client.connection.upcast(event), context);
    this.#handling.delete(position);
    const outcome = await this.#settle(position, verdict);
    if (verdict.kind === "retry" || (outcome !== "settled" && outcome !== "alreadySettled")) return;
    this.#reactions.forget(position);
    if (outcome === "settled") this.#counts.settled(verdict.kind);
  }

  /** Settles an event over whatever connection there is; without one, it comes again. */
  async #settle(position: bigint, verdict: Verdict): Promise<SettleOutcome> {
    if (this.#member === undefined) return "unknown";
    if (!("reason" in verdict)) return this.#member.ack(position);
    return this.#member.nack({ position, action: verdict.kind, reason: verdict.reason });
  }

  /** Ends the call in order once nothing is in hand. */
  async #drain(): Promise<void> {
    while (this.#inHand.size > 0) await Promise.all(this.#inHand);
    this.#end();
  }

  /** The server ends the call in order when all it delivered is settled; otherwise it has to take the rest back. */
  #end(): void {
    if (this.#isPassedOver) void this.#member?.close();
    else this.#member?.finish();
  }
}
