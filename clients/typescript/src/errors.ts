/**
 * What can go wrong, as a value to act on.
 *
 * Owns `QuipuError`, the one error type of the client. What the server tells beyond code and reason is in
 * `detail.ts`; how a status becomes an error is in `status.ts`.
 */
import { Code } from "@connectrpc/connect";

import type { ErrorDetail } from "./detail.js";
import type { ErrorReason } from "./gen/quipu/v1/errors_pb.js";

export { Code };

/** A reason of this version of the protocol: a name of `ErrorReason`, such as `QUEUE_FULL`. */
export type KnownReason = Exclude<keyof typeof ErrorReason, "UNSPECIFIED">;

/** The server's word for why a request failed. A newer server may have reasons that this client does not know. */
export type Reason = KnownReason | (string & Record<never, never>);

const CONFLICTS: ReadonlySet<Reason> = new Set<KnownReason>([
  "WRONG_EXPECTED_REVISION",
  "GUARD_NOT_MET",
  "WRONG_CHECKPOINT",
  "WRONG_READ_MODEL_POSITION",
]);

/** What is known of a failure. */
export interface Failure {
  /** The gRPC status code. */
  readonly code?: Code | undefined;
  /** The server's reason. */
  readonly reason?: Reason | undefined;
  /** The values that come with the reason. */
  readonly detail?: ErrorDetail | undefined;
  /** What led to it. */
  readonly cause?: unknown;
}

/** Why a call failed. */
export class QuipuError extends Error {
  override readonly name: string = "QuipuError";
  /** The gRPC status code; none for an error that arises in the client. */
  readonly code: Code | undefined;
  /** The server's reason, such as `WRONG_EXPECTED_REVISION`; none when the connection broke. */
  readonly reason: Reason | undefined;
  /** The values to act with, for reasons that come with some. */
  readonly detail: ErrorDetail | undefined;

  constructor(message: string, failure: Failure = {}) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.code = failure.code;
    this.reason = failure.reason;
    this.detail = failure.detail;
  }

  /** Whether someone else was faster: read and decide again. */
  get isConflict(): boolean {
    return this.reason !== undefined && CONFLICTS.has(this.reason);
  }

  /** Whether the same call can succeed later because the server was merely away. */
  get isRetryable(): boolean {
    return this.code === Code.Unavailable;
  }
}

/** The transport's word that the server is away. */
export function unavailable(message: string, cause?: unknown): QuipuError {
  return new QuipuError(message, { code: Code.Unavailable, cause });
}

/** An answer of the server that makes no sense. */
export function invalidResponse(message: string): QuipuError {
  return new QuipuError(`invalid response: ${message}`);
}

/** Whether an error has one of these reasons. */
export function hasReason(error: unknown, ...reasons: KnownReason[]): error is QuipuError {
  return error instanceof QuipuError && reasons.some((reason) => error.reason === reason);
}

/** A value that the server must set; `what` names it in the error. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw invalidResponse(`${what} is missing`);
  return value;
}
