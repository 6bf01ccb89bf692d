/**
 * Pauses, and the count of tries.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { backoffMs, pause, RetryPolicy, Tries } from "./retry.js";

test("pauses double up to the limit, and half of each is drawn by lot", () => {
  const full = (failures: number): number => backoffMs(RetryPolicy.default, failures, 1);
  assert.deepEqual([1, 2, 3, 6, 7, 100, 1e6].map(full), [50, 100, 200, 1600, 2000, 2000, 2000]);
  assert.equal(backoffMs(RetryPolicy.default, 2, 0), 50);
  const drawn = backoffMs(RetryPolicy.default, 1);
  assert.ok(drawn >= 25 && drawn <= 50);
});

test("the first try counts", () => {
  assert.equal(new Tries(RetryPolicy.none).failed(), undefined);
  const two = new Tries({ ...RetryPolicy.default, attempts: 2 });
  assert.notEqual(two.failed(), undefined);
  assert.equal(two.failed(), undefined);
});

test("a success begins the count anew", () => {
  const tries = new Tries({ ...RetryPolicy.default, attempts: 2 });
  tries.failed();
  tries.succeeded();
  assert.notEqual(tries.failed(), undefined);
});

test("for ever is for ever", () => {
  const tries = new Tries(RetryPolicy.forever);
  for (let failures = 0; failures < 1_000; failures += 1) assert.notEqual(tries.failed(), undefined);
});

test("a pause ends with the reason of its signal", async () => {
  const controller = new AbortController();
  const pausing = pause(60_000, controller.signal);
  controller.abort(new RangeError("enough"));
  await assert.rejects(pausing, RangeError);
});
