/**
 * The protocol itself, as it is generated: for raw use, and for what this client has no word for.
 */
export * from "./gen/quipu/v1/checkpoints_pb.js";
export * from "./gen/quipu/v1/consumers_pb.js";
export * from "./gen/quipu/v1/errors_pb.js";
export * from "./gen/quipu/v1/event_pb.js";
export * from "./gen/quipu/v1/event_store_pb.js";
export * from "./gen/quipu/v1/query_pb.js";
export * from "./gen/quipu/v1/read_models_pb.js";
export * from "./gen/quipu/v1/server_info_pb.js";
export * from "./gen/quipu/v1/snapshots_pb.js";
export * from "./gen/quipu/v1/streams_pb.js";
