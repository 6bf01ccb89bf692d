/**
 * The way in.
 *
 * Owns `Client`: a connection to a server, for one tenant, with the calls on events; the other services are its fields.
 */
import type { Appended, Transacted, Transaction } from "./append.js";
import { appendedFromWire, appendToWire, transactedFromWire, transactionToWire } from "./append.js";
import type { ChannelOptions } from "./channel.js";
import { channel } from "./channel.js";
import { Checkpoints } from "./checkpoints.js";
import type { Cancellable } from "./connection.js";
import { Connection } from "./connection.js";
import { Consumers } from "./consumers.js";
import { required } from "./errors.js";
import type { NewEvent } from "./event.js";
import type { Expected } from "./expected.js";
import type { Guard } from "./guard.js";
import type { Logger } from "./logger.js";
import { defaultLogger } from "./logger.js";
import { LogSource, StreamSource } from "./read.js";
import type { ReadAllOptions, ReadStreamOptions } from "./read.js";
import { ReadModels } from "./read-models.js";
import { Reading } from "./reading.js";
import type { RecordedEvent } from "./recorded.js";
import type { ReplayHandler, ReplayOptions } from "./replay.js";
import { replay } from "./replay.js";
import { RetryPolicy } from "./retry.js";
import type { ServerInfo } from "./server-info.js";
import { serverInfo } from "./server-info.js";
import type { SessionOptions } from "./session.js";
import { AppendSession } from "./session.js";
import { Snapshots } from "./snapshots.js";
import { Streams } from "./streams.js";
import type { SubscribeAllOptions, SubscribeStreamOptions } from "./subscribe.js";
import { FollowedLog, FollowedStream } from "./subscribe.js";
import { Subscription } from "./subscription.js";
import { Upcasters } from "./upcasters.js";

/** Settings of a client. */
export interface ClientOptions extends ChannelOptions {
  /** Speaks for this tenant in every call; without it, for `default`. */
  readonly tenant?: string | undefined;
  /**
   * How long one try of a call may take, in milliseconds; 30,000 by default, `Infinity` for no limit. Not for reads and
   * subscriptions.
   */
  readonly timeoutMs?: number | undefined;
  /** How calls are retried while the server is unavailable. */
  readonly retry?: RetryPolicy | undefined;
  /** Applied to every event that is read or followed, and to those of aggregates, reactors and projectors. */
  readonly upcasters?: Upcasters | undefined;
  /** Where to tell what nobody asked for; by default warnings go to standard error. */
  readonly logger?: Logger | undefined;
}

/** A connection to a server, for one tenant. It is made anew by itself when it breaks. */
export class Client implements AsyncDisposable {
  /** Folded state of streams. */
  readonly snapshots: Snapshots;
  /** What is known of streams, and how they end. */
  readonly streams: Streams;
  /** How far named consumers have got. */
  readonly checkpoints: Checkpoints;
  /** Groups of consumers that share their work. */
  readonly consumers: Consumers;
  /** What projectors make of events. */
  readonly readModels: ReadModels;
  /** @internal */
  readonly connection: Connection;

  private constructor(connection: Connection) {
    this.connection = connection;
    this.snapshots = new Snapshots(connection);
    this.streams = new Streams(connection);
    this.checkpoints = new Checkpoints(connection);
    this.consumers = new Consumers(connection);
    this.readModels = new ReadModels(connection);
  }

  /**
   * A connected client of the server at an address such as `127.0.0.1:2113`. Fails as unavailable when the server is
   * not reached within the connect timeout; this is not retried.
   */
  static async connect(address: string, options: ClientOptions = {}): Promise<Client> {
    const way = channel(address, options);
    await way.open();
    return new Client(new Connection(way, settingsOf(options)));
  }

  /** A client that connects with its first call. */
  static lazy(address: string, options: ClientOptions = {}): Client {
    return new Client(new Connection(channel(address, options), settingsOf(options)));
  }

  /**
   * Appends events to one stream: all of them or none, durable before the answer, and only if the stream is as expected
   * and all guards hold.
   *
   * Retried while the server is unavailable; this never appends twice. When the tries are used up it is not known
   * whether the append went in: repeat it with the same events to find out.
   *
   * `WRONG_EXPECTED_REVISION` when the stream is not as expected, `GUARD_NOT_MET` when a guard does not hold,
   * `STREAM_TOMBSTONED` when the stream was deleted for good, `EVENT_ID_CONFLICT` when an id is taken.
   */
  async append(
    stream: string,
    expected: Expected,
    events: readonly NewEvent[],
    options: Cancellable & { readonly guards?: readonly Guard[] | undefined } = {},
  ): Promise<Appended> {
    const request = appendToWire(stream, expected, events, options.guards);
    return appendedFromWire(await this.connection.call((it) => this.connection.events.append(request, it), options));
  }

  /**
   * Appends to any number of streams and moves checkpoints, all or nothing, durable before the answer; the events lie
   * one after another in the log. Retried and failing as `append` does, and with `WRONG_CHECKPOINT` when a checkpoint
   * would not move forwards. A transaction without events cannot be recognised when it is retried.
   */
  async transact(transaction: Transaction, options: Cancellable = {}): Promise<Transacted> {
    const request = transactionToWire(transaction);
    const answer = await this.connection.call((it) => this.connection.events.transact(request, it), options);
    return transactedFromWire(answer);
  }

  /** Opens a session of pipelined appends, for many appends a second. */
  appendSession(options: SessionOptions = {}): AppendSession {
    return new AppendSession(this.connection, options);
  }

  /**
   * Reads one stream, without what its metadata hides. The walk over it throws `STREAM_NOT_FOUND` when it has no event,
   * `STREAM_DELETED` or `STREAM_TOMBSTONED` when it was deleted.
   */
  readStream(stream: string, options: ReadStreamOptions = {}): Reading {
    return new Reading(this.connection, new StreamSource(this.connection, stream, options), options);
  }

  /** Reads the whole log, or what matches a query; nothing hides events of it. */
  readAll(options: ReadAllOptions = {}): Reading {
    return new Reading(this.connection, new LogSource(this.connection, options), options);
  }

  /** The event of this id, or at this position. `EVENT_NOT_FOUND` when there is none. */
  async getEvent(key: string | bigint, options: Cancellable = {}): Promise<RecordedEvent> {
    const request =
      typeof key === "bigint"
        ? { key: { case: "position", value: key } as const }
        : { key: { case: "id", value: key } as const };
    const answer = await this.connection.call((it) => this.connection.events.getEvent(request, it), options);
    return this.connection.recorded(required(answer.event, "the event"));
  }

  /** Follows the whole log, or what matches a query: first what is there, then what comes. */
  subscribeAll(options: SubscribeAllOptions = {}): Subscription {
    const followed = new FollowedLog(this.connection, options);
    return new Subscription(this.connection, () => Promise.resolve(followed), options);
  }

  /** Follows one stream likewise, also one that does not exist yet. */
  subscribeStream(stream: string, options: SubscribeStreamOptions = {}): Subscription {
    const follow = async (): Promise<FollowedStream> => {
      if (options.from !== "end") return new FollowedStream(this.connection, stream, options);
      // No signal tells the stream's revision, so a break before the first event would lose the place: the end is
      // looked up instead of asked for.
      const head = (await this.streams.get(stream, options))?.headRevision;
      const from = head === undefined ? "start" : { after: head };
      return new FollowedStream(this.connection, stream, { ...options, from });
    };
    return new Subscription(this.connection, follow, options);
  }

  /**
   * Hands events to a handler in batches and sets the checkpoint `name` after each; begins behind the checkpoint when
   * there is one, so it can be stopped and run again. Returns when it has come to the head that it saw first, unless it
   * is told to follow. A batch whose checkpoint was not set comes again.
   */
  replay(name: string, handler: ReplayHandler, options: ReplayOptions = {}): Promise<bigint> {
    return replay(this, name, handler, options);
  }

  /** What the server is and allows, and the head of the tenant's log. */
  serverInfo(options: Cancellable = {}): Promise<ServerInfo> {
    return serverInfo(this.connection, options);
  }

  /** Ends the connection, and every call, read and subscription with it. */
  close(): void {
    this.connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}

function settingsOf(options: ClientOptions) {
  return {
    tenant: options.tenant,
    timeoutMs: options.timeoutMs ?? 30_000,
    retry: options.retry ?? RetryPolicy.default,
    logger: options.logger ?? defaultLogger,
    upcasters: options.upcasters ?? new Upcasters(),
  };
}
