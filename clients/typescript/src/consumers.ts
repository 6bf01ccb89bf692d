/**
 * Consumer groups: several members share the work of one reactor.
 *
 * Owns the calls. Those that change nothing twice are retried while the server is unavailable; a call that takes part
 * in a group is a `Member`, and what handles its deliveries is a `Reactor`.
 */
import type { Cancellable, Connection } from "./connection.js";
import { hasReason, required } from "./errors.js";
import type { PageOptions } from "./listing.js";
import { Listing, pageOf, pageToWire } from "./listing.js";
import type { ConsumerGroup, GroupSettings } from "./groups.js";
import { groupFromWire, settingsToWire } from "./groups.js";
import type { ConsumeOptions } from "./member.js";
import { Member } from "./member.js";
import { RecordedEvent } from "./recorded.js";
import type { Delivery, Nack, SettleOutcome } from "./settle.js";
import { deliveryFromWire, nackToWire, outcomes } from "./settle.js";
import type { LogStart } from "./subscribe.js";
import { logStart } from "./subscribe.js";
import { durationToWire, timeOf } from "./time.js";

/** How to make a group. */
export interface CreateGroupOptions extends GroupSettings, Cancellable {
  /** Where it begins; with the first event by default. */
  readonly from?: LogStart | undefined;
}

/** How to ask for deliveries. */
export interface FetchOptions extends Cancellable {
  /** At most so many; 100 by default, 10,000 at most. */
  readonly max?: number | undefined;
  /** How long to wait for the first, in milliseconds; 10,000 by default, 10 minutes at most. */
  readonly timeoutMs?: number | undefined;
}

/** An event kept aside. */
export interface ParkedEvent {
  /** The event as it is stored: not upcast. */
  readonly event: RecordedEvent;
  /** Why: what the last nack said, or that the time was up. */
  readonly reason: string;
  /** How often it was delivered. */
  readonly tries: number;
  /** When it was parked. Server time. */
  readonly parkedAt: Date;
}

/** Which parked events; all by default. */
export interface ParkedOptions extends Cancellable {
  readonly positions?: readonly bigint[] | undefined;
}

/** Consumer groups of one tenant. */
export class Consumers {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Makes a group, or finds it with the same settings. `GROUP_EXISTS` when there is one of this name with other
   * settings.
   */
  async create(name: string, options: CreateGroupOptions = {}): Promise<ConsumerGroup> {
    const start = { from: logStart(options.from ?? "start") };
    const request = { name, settings: settingsToWire(options), start };
    const answer = await this.#connection.call((it) => this.#connection.consumers.create(request, it), options);
    return groupFromWire(answer.group);
  }

  /** Changes all settings of a group but its query and order, which must be given as they were. */
  async update(name: string, options: GroupSettings & Cancellable): Promise<ConsumerGroup> {
    const request = { name, settings: settingsToWire(options) };
    const answer = await this.#connection.call((it) => this.#connection.consumers.update(request, it), options);
    return groupFromWire(answer.group);
  }

  /** Deletes a group with what it has parked. `GROUP_NOT_FOUND` when there is none. */
  async delete(name: string, options: Cancellable = {}): Promise<void> {
    await this.#connection.call((it) => this.#connection.consumers.delete({ name }, it), options);
  }

  /** How a group is doing; none when there is none. */
  async get(name: string, options: Cancellable = {}): Promise<ConsumerGroup | undefined> {
    try {
      const answer = await this.#connection.call((it) => this.#connection.consumers.get({ name }, it), options);
      return groupFromWire(answer.group);
    } catch (error) {
      if (hasReason(error, "GROUP_NOT_FOUND", "TENANT_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Groups whose names begin with `prefix`, in the order of their names. */
  list(options: Cancellable & PageOptions & { readonly prefix?: string | undefined } = {}): Listing<ConsumerGroup> {
    return new Listing(async (token) => {
      const request = { prefix: options.prefix ?? "", ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.consumers.list(request, it), options);
      return pageOf(answer.groups.map(groupFromWire), answer.nextPageToken);
    }, options.pageToken);
  }

  /** Stops deliveries. What is in flight may still be settled. */
  async pause(name: string, options: Cancellable = {}): Promise<void> {
    await this.#connection.call((it) => this.#connection.consumers.pause({ name }, it), options);
  }

  /** Goes on with deliveries. */
  async resume(name: string, options: Cancellable = {}): Promise<void> {
    await this.#connection.call((it) => this.#connection.consumers.resume({ name }, it), options);
  }

  /** Begins anew at another place. Returns the position up to which everything counts as settled. */
  async reset(name: string, from: LogStart, options: Cancellable = {}): Promise<bigint> {
    const request = { name, start: { from: logStart(from) } };
    const answer = await this.#connection.call((it) => this.#connection.consumers.reset(request, it), options);
    return answer.settledPosition;
  }

  /** Takes part in a group, under a name of one's own. */
  consume(group: string, member: string, options: ConsumeOptions = {}): Member {
    return new Member(this.#connection, group, member, options);
  }

  /**
   * Asks for deliveries, for who cannot hold a call; none when none came in time. When an answer is lost, its
   * deliveries come again after the group's ack timeout.
   */
  async fetch(group: string, member: string, options: FetchOptions = {}): Promise<Delivery[]> {
    const timeoutMs = options.timeoutMs ?? 10_000;
    const request = { group, member, max: options.max ?? 0, timeout: durationToWire(timeoutMs) };
    const fetch = this.#connection.call((it) => this.#connection.consumers.fetch(request, it), options, timeoutMs);
    return (await fetch).deliveries.map(deliveryFromWire);
  }

  /** Settles deliveries of `fetch`, durable before the answer. Tells what came of each position. */
  async ack(
    group: string,
    member: string,
    settle: { readonly ack?: readonly bigint[] | undefined; readonly nack?: readonly Nack[] | undefined },
    options: Cancellable = {},
  ): Promise<Map<bigint, SettleOutcome>> {
    const request = { group, member, ack: [...(settle.ack ?? [])], nack: (settle.nack ?? []).map(nackToWire) };
    return new Map(outcomes(await this.#connection.call((it) => this.#connection.consumers.ack(request, it), options)));
  }

  /** Parked events in the order of the log. */
  listParked(group: string, options: Cancellable & PageOptions = {}): Listing<ParkedEvent> {
    return new Listing(async (token) => {
      const request = { group, ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.consumers.listParked(request, it), options);
      const parked = answer.events.map(({ event, reason, tries, parkedAt }) => ({
        event: new RecordedEvent(required(event, "a parked event")),
        reason,
        tries,
        parkedAt: timeOf(parkedAt, "the time of parking"),
      }));
      return pageOf(parked, answer.nextPageToken);
    }, options.pageToken);
  }

  /**
   * Has parked events delivered again, with their tries counted anew; returns how many. `NOT_PARKED` when one of them
   * is not parked, which is also what a retry meets after a first try whose answer was lost.
   */
  async replayParked(group: string, options: ParkedOptions = {}): Promise<bigint> {
    const request = { group, positions: [...(options.positions ?? [])] };
    const answer = await this.#connection.call((it) => this.#connection.consumers.replayParked(request, it), options);
    return answer.replayed;
  }

  /** Forgets parked events; returns how many. Fails as `replayParked` does. */
  async discardParked(group: string, options: ParkedOptions = {}): Promise<bigint> {
    const request = { group, positions: [...(options.positions ?? [])] };
    const answer = await this.#connection.call((it) => this.#connection.consumers.discardParked(request, it), options);
    return answer.discarded;
  }
}
