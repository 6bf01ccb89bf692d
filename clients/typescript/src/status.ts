/**
 * From a gRPC status to a `QuipuError`.
 *
 * The server's reason decides, and its typed detail gives the values. A status that the transport made, rather than
 * the server, means that the connection broke, whatever its code says: breaks in mid-call come as ABORTED, CANCELLED
 * or INTERNAL.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import type { WireDetail } from "./detail.js";
import { detailOf } from "./detail.js";
import type { KnownReason } from "./errors.js";
import { QuipuError } from "./errors.js";
import { ErrorReason } from "./gen/quipu/v1/errors_pb.js";
import type { AppendFailure } from "./gen/quipu/v1/event_store_pb.js";
import { ErrorInfoSchema, StatusSchema } from "./gen/google/rpc/status_pb.js";

const DOMAIN = "quipu";

/** What only a status that came over the wire has. */
const WIRE_STATUS = "grpc-status";

/** The transport's own words for a request that does not go over the wire, which it gives the code INTERNAL. */
const UNSENDABLE = "serialize binary:";

/** The codes with which the transport tells of a broken connection. */
const BROKEN: ReadonlySet<Code> = new Set([Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown]);

/** Any failure of a call as an error of this client. Errors that are no status stay as they are. */
export function fromFailure(failure: unknown): unknown {
  if (!(failure instanceof ConnectError)) return failure;
  if (failure.rawMessage.startsWith(UNSENDABLE)) {
    return new QuipuError(`the request cannot be sent: ${failure.rawMessage}`, { code: Code.InvalidArgument });
  }
  if (!failure.metadata.has(WIRE_STATUS)) {
    const code = BROKEN.has(failure.code) ? Code.Unavailable : failure.code;
    return new QuipuError(failure.rawMessage, { code, cause: failure.cause });
  }
  return fromDetails(failure.code, failure.rawMessage, failure.details.filter(isWire));
}

/** The error of an append that failed in a session. */
export function fromAppendFailure(failure: AppendFailure): QuipuError {
  const details = fromBinary(StatusSchema, failure.status).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  const code = isCode(failure.code) ? failure.code : Code.Unknown;
  return fromDetails(code, failure.message, details);
}

function fromDetails(code: Code, message: string, details: readonly WireDetail[]): QuipuError {
  const reason = details
    .filter((detail) => detail.type === ErrorInfoSchema.typeName)
    .map((detail) => fromBinary(ErrorInfoSchema, detail.value))
    .find((info) => info.domain === DOMAIN)?.reason;
  const detail = reason !== undefined && isKnown(reason) ? detailOf(reason, details) : undefined;
  return new QuipuError(message, { code, reason, detail });
}

function isCode(code: number): code is Code {
  return code in Code;
}

function isKnown(reason: string): reason is KnownReason {
  return reason in ErrorReason;
}

function isWire(detail: ConnectError["details"][number]): detail is ConnectError["details"][number] & WireDetail {
  return "type" in detail;
}
