/**
 * Chains of upcasters, and how they are refused or fail.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import { RecordedEventSchema } from "./gen/quipu/v1/event_pb.js";
import { toBytes } from "./payload.js";
import { RecordedEvent } from "./recorded.js";
import { UpcastFailed, UpcastLoop, Upcasters } from "./upcasters.js";

const same = (payload: unknown): unknown => payload;

function event(schemaVersion: string, payload: unknown): RecordedEvent {
  const data = toBytes(payload);
  return new RecordedEvent(
    create(RecordedEventSchema, { type: "A", data, schemaVersion, revision: 0n, position: 7n, recordedAt: {} }),
  );
}

test("functions are chained until none applies", () => {
  const upcasters = new Upcasters()
    .add("A", "1", "2", ({ a }: { a: number }) => ({ b: a + 1 }))
    .add("A", "2", "3", ({ b }: { b: number }) => ({ c: b * 2 }));
  const upcast = upcasters.apply(event("", { a: 1 }));
  assert.deepEqual([upcast.schemaVersion, upcast.json(), upcast.position], ["3", { c: 4 }, 7n]);
  assert.ok(upcast instanceof RecordedEvent);
  const newest = event("3", { c: 9 });
  assert.equal(upcasters.apply(newest), newest);
});

test("a function that leads to where the event is already does not apply", () => {
  const upcasters = new Upcasters().add("A", "2", "2.1", () => ({ by: "major" })).add("A", "*", "3", same);
  assert.deepEqual(upcasters.apply(event("2.1", {})).json(), {});
  assert.deepEqual(upcasters.apply(event("2.0", {})).json(), { by: "major" });
  assert.equal(upcasters.apply(event("9", {})).schemaVersion, "3");
});

test("a loop is refused when it is registered, and tells its versions", () => {
  const two = new Upcasters().add("A", "1", "2", same).add("A", "2", "3", same).add("B", "3", "1", same);
  assert.throws(
    () => two.add("A", "3", "1", same),
    (error) => {
      assert.ok(error instanceof UpcastLoop);
      assert.equal(error.versions.length, 4);
      return true;
    },
  );
  assert.equal(two.apply(event("1", {})).schemaVersion, "3");
  assert.throws(() => new Upcasters().add("A", "*", "*", same), UpcastLoop);
});

test("two functions from one version are refused", () => {
  assert.throws(() => new Upcasters().add("A", "1", "2", same).add("A", "1", "3", same), /already/);
});

test("what a function throws is told with the event, and quotes no payload", () => {
  const upcasters = new Upcasters().add("A", "1", "2", () => {
    throw new TypeError("no");
  });
  assert.throws(
    () => upcasters.apply(event("1", {})),
    (error) => {
      assert.ok(error instanceof UpcastFailed && error.cause instanceof TypeError);
      assert.deepEqual([error.type, error.version, error.position], ["A", "1", 7n]);
      return true;
    },
  );
  const bytes = event("1", new TextEncoder().encode("secret"));
  assert.throws(
    () => upcasters.apply(bytes),
    (error) => error instanceof UpcastFailed && !error.message.includes("secret"),
  );
});
