/**
 * Times over the wire and back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";

import { QuipuError } from "./errors.js";
import { durationToWire, optionalMs, optionalTime, timeOf, timeToWire } from "./time.js";

test("a time goes over the wire and back", () => {
  for (const text of ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z", "2026-11-21T18:10:59.123Z"]) {
    assert.equal(timeOf(timeToWire(new Date(text)), "time").toISOString(), text);
  }
});

test("what is finer than a millisecond is cut", () => {
  const wire = create(TimestampSchema, { seconds: 1n, nanos: 999_999_999 });
  assert.equal(timeOf(wire, "time").getTime(), 1_999);
});

test("a time may be unset where it may", () => {
  assert.equal(optionalTime(undefined), undefined);
  assert.throws(() => timeOf(undefined, "its time"), QuipuError);
});

test("a span goes over the wire in whole milliseconds", () => {
  assert.equal(optionalMs(durationToWire(1_500.4)), 1_500);
  assert.equal(optionalMs(durationToWire(0)), 0);
  assert.equal(optionalMs(undefined), undefined);
});
