/**
 * What every call shares.
 *
 * Owns `Connection`: the stubs of one tenant, deadlines, retries, upcasting and logging. A call through `call` must be
 * safe to repeat: it is tried again while the server is unavailable.
 */
import type { DescService } from "@bufbuild/protobuf";
import type { CallOptions, Client as Stub } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";

import type { Channel } from "./channel.js";
import { QuipuError } from "./errors.js";
import { Checkpoints } from "./gen/quipu/v1/checkpoints_pb.js";
import { Consumers } from "./gen/quipu/v1/consumers_pb.js";
import type { RecordedEvent as RecordedEventWire } from "./gen/quipu/v1/event_pb.js";
import { EventStore } from "./gen/quipu/v1/event_store_pb.js";
import { ReadModels } from "./gen/quipu/v1/read_models_pb.js";
import { ServerInfo } from "./gen/quipu/v1/server_info_pb.js";
import { Snapshots } from "./gen/quipu/v1/snapshots_pb.js";
import { Streams } from "./gen/quipu/v1/streams_pb.js";
import type { Logger } from "./logger.js";
import { RecordedEvent } from "./recorded.js";
import type { RetryPolicy } from "./retry.js";
import { pause, Tries } from "./retry.js";
import { fromFailure } from "./status.js";
import type { Upcasters } from "./upcasters.js";

const TENANT_HEADER = "quipu-tenant";

/** What any call can be told. */
export interface Cancellable {
  /** Ends the call when it is aborted; the call then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a connection is made of. */
export interface Settings {
  readonly tenant: string | undefined;
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly logger: Logger;
  readonly upcasters: Upcasters;
}

/** One tenant's way to the server. */
export class Connection {
  readonly events: Stub<typeof EventStore>;
  readonly snapshots: Stub<typeof Snapshots>;
  readonly streams: Stub<typeof Streams>;
  readonly checkpoints: Stub<typeof Checkpoints>;
  readonly consumers: Stub<typeof Consumers>;
  readonly readModels: Stub<typeof ReadModels>;
  readonly serverInfo: Stub<typeof ServerInfo>;
  readonly settings: Settings;
  readonly #channel: Channel;
  readonly #headers: Record<string, string>;
  #closed = false;

  constructor(channel: Channel, settings: Settings) {
    const stub = <S extends DescService>(service: S): Stub<S> => createClient(service, channel.transport);
    this.events = stub(EventStore);
    this.snapshots = stub(Snapshots);
    this.streams = stub(Streams);
    this.checkpoints = stub(Checkpoints);
    this.consumers = stub(Consumers);
    this.readModels = stub(ReadModels);
    this.serverInfo = stub(ServerInfo);
    this.settings = settings;
    this.#channel = channel;
    this.#headers = settings.tenant === undefined ? {} : { [TENANT_HEADER]: settings.tenant };
  }

  /** Makes one call that is safe to repeat. `waitMs` is how long the server may take over it by intent. */
  async call<T>(attempt: (options: CallOptions) => Promise<T>, told: Cancellable = {}, waitMs = 0): Promise<T> {
    const { timeoutMs } = this.settings;
    // To the transport, 0 means no deadline.
    const deadlineMs = Number.isFinite(timeoutMs) ? timeoutMs + waitMs : 0;
    const options: CallOptions = { ...this.streaming(told.signal), timeoutMs: deadlineMs };
    const tries = new Tries(this.settings.retry);
    for (;;) {
      try {
        this.throwIfClosed();
        return await attempt(options);
      } catch (failure) {
        await this.again(failure, tries, told.signal);
      }
    }
  }

  /** Waits until the time for another try, or throws what `failure` means. */
  async again(failure: unknown, tries: Tries, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.throwIfClosed();
    const error = fromFailure(failure);
    if (!(error instanceof QuipuError) || !error.isRetryable) throw error;
    const pauseMs = tries.failed();
    if (pauseMs === undefined) throw error;
    this.settings.logger.debug(`the server is away, trying again in ${Math.round(pauseMs)} ms: ${error.message}`);
    await pause(pauseMs, signal);
  }

  /** Options of a call that may take as long as it likes. */
  streaming(signal: AbortSignal | undefined): CallOptions {
    return { headers: this.#headers, timeoutMs: 0, ...(signal !== undefined && { signal }) };
  }

  /** An event as a program wants it: upcast. */
  recorded(wire: RecordedEventWire): RecordedEvent {
    return this.upcast(new RecordedEvent(wire));
  }

  upcast(event: RecordedEvent): RecordedEvent {
    return this.settings.upcasters.apply(event, this.settings.logger);
  }

  throwIfClosed(): void {
    if (this.#closed) throw new QuipuError("the client is closed");
  }

  close(): void {
    this.#closed = true;
    this.#channel.close();
  }
}
