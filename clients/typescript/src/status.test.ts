/**
 * From statuses, of the server or the transport, to errors.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";

import { QuipuError } from "./errors.js";
import { GuardNotMetSchema } from "./gen/quipu/v1/errors_pb.js";
import { AppendFailureSchema } from "./gen/quipu/v1/event_store_pb.js";
import { ErrorInfoSchema, StatusSchema } from "./gen/google/rpc/status_pb.js";
import { fromAppendFailure, fromFailure } from "./status.js";

function failed(failure: unknown): QuipuError {
  const error = fromFailure(failure);
  assert.ok(error instanceof QuipuError);
  return error;
}

test("a status that the transport made means that the connection broke", () => {
  for (const code of [Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown, Code.Unavailable]) {
    const error = failed(new ConnectError("broken", code));
    assert.ok(error.isRetryable && error.reason === undefined);
  }
  assert.equal(failed(new ConnectError("late", Code.DeadlineExceeded)).code, Code.DeadlineExceeded);
});

test("a status of the server keeps its code", () => {
  const wire = { "grpc-status": "13" };
  const error = failed(new ConnectError("a fault", Code.Internal, wire));
  assert.deepEqual([error.code, error.isRetryable, error.message], [Code.Internal, false, "a fault"]);
});

test("what cannot be sent is not tried again", () => {
  const error = failed(new ConnectError("serialize binary: invalid uint64: -1", Code.Internal));
  assert.deepEqual([error.code, error.isRetryable], [Code.InvalidArgument, false]);
});

test("other errors stay as they are", () => {
  const error = new RangeError("mine");
  assert.equal(fromFailure(error), error);
});

function appendFailure(domain: string, reason: string) {
  const info = create(ErrorInfoSchema, { domain, reason });
  const detail = create(GuardNotMetSchema, { index: 2, head: 9n });
  const details = [anyPack(ErrorInfoSchema, info), anyPack(GuardNotMetSchema, detail)];
  const status = toBinary(StatusSchema, create(StatusSchema, { details }));
  return create(AppendFailureSchema, { code: 9, message: "no", status });
}

test("reason and detail come out of the status", () => {
  const error = fromAppendFailure(appendFailure("quipu", "GUARD_NOT_MET"));
  assert.deepEqual(error.detail, { reason: "GUARD_NOT_MET", index: 2, actual: { kind: "nothing" }, head: 9n });
  assert.ok(error.isConflict);
});

test("a reason of somebody else is none, and one that is not known is told", () => {
  assert.equal(fromAppendFailure(appendFailure("other", "GUARD_NOT_MET")).reason, undefined);
  const error = fromAppendFailure(appendFailure("quipu", "BRAND_NEW"));
  assert.deepEqual([error.reason, error.detail, error.code], ["BRAND_NEW", undefined, Code.FailedPrecondition]);
});
