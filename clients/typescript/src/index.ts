/**
 * The TypeScript client of Quipu, a gRPC event store.
 *
 * `Client` is the way in. `Aggregate`, `Reactor` and `Projector` are what programs are made of on top of it. What goes
 * over the wire is in `quipu-client/proto`.
 */
export { Aggregate } from "./aggregate.js";
export type { AggregateDefinition, Decide, ExecuteOptions } from "./aggregate.js";
export type { Appended, CheckpointAdvance, StreamAppend, Transacted, Transaction } from "./append.js";
export type { ModelTransaction } from "./batch.js";
export type { ChannelOptions } from "./channel.js";
export type { Checkpoint, Checkpoints, ExpectedCheckpoint, WaitOutcome } from "./checkpoints.js";
export { Client } from "./client.js";
export type { ClientOptions } from "./client.js";
export type { Cancellable } from "./connection.js";
export type { Consumers, CreateGroupOptions, FetchOptions, ParkedEvent, ParkedOptions } from "./consumers.js";
export type { Conflict, ErrorDetail, WrongPosition, WrongRevision } from "./detail.js";
export { Code, QuipuError } from "./errors.js";
export type { Failure, KnownReason, Reason } from "./errors.js";
export { NewEvent } from "./event.js";
export type { EventOptions } from "./event.js";
export { Expected } from "./expected.js";
export type { ConsumerGroup, GroupCounts, GroupMember, GroupSettings, OldestUnsettled } from "./groups.js";
export { Guard } from "./guard.js";
export type { Listing, Page, PageOptions } from "./listing.js";
export type { Logger } from "./logger.js";
export type { ConsumeOptions, Member } from "./member.js";
export { Projector } from "./projector.js";
export type { Projection, ProjectorOptions } from "./projector.js";
export type { Query, QueryItem } from "./query.js";
export { Park, Skip } from "./reaction.js";
export type { Handler, HandlerContext } from "./reaction.js";
export { Reactor } from "./reactor.js";
export type { ReactorOptions } from "./reactor.js";
export type { HandlerTime, ReactorMetrics } from "./reactor-metrics.js";
export type { Extent, ReadAllOptions, ReadStreamOptions } from "./read.js";
export type {
  Document,
  DocumentKey,
  DocumentPage,
  Generation,
  GenerationOptions,
  ListDocumentsOptions,
  ReadModels,
  ReadModelWrite,
  Upsert,
} from "./read-models.js";
export type { Reading } from "./reading.js";
export { RecordedEvent } from "./recorded.js";
export type { ReplayHandler, ReplayOptions } from "./replay.js";
export { RetryPolicy } from "./retry.js";
export type { ServerInfo } from "./server-info.js";
export type { AppendSession, SessionOptions } from "./session.js";
export type { Delivery, Nack, SettleOutcome } from "./settle.js";
export type {
  FoldedState,
  SaveOptions,
  Snapshot,
  SnapshotInfo,
  SnapshotPolicy,
  Snapshots,
  StateOptions,
} from "./snapshots.js";
export type {
  ChangeOptions,
  ListStreamsOptions,
  NamedCount,
  Statistics,
  StreamInfo,
  StreamMetadata,
  Streams,
} from "./streams.js";
export type { Following, LogStart, Signal, SubscribeAllOptions, SubscribeStreamOptions } from "./subscribe.js";
export type { Message, Subscription } from "./subscription.js";
export { UpcastFailed, UpcastLoop, Upcasters } from "./upcasters.js";
export type { Upcast } from "./upcasters.js";
