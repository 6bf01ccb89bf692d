/**
 * Contracts: what payloads must be like.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { workload } from "../scenario/workload.js";
import { AGGREGATE_TYPES, aggregateTypeOf, checked, EVENT_TYPES } from "../src/events/contracts.js";
import { toNewEvent } from "../src/events/domain-event.js";
import { idOf } from "../src/events/ids.js";
import { ContractBroken } from "../src/events/schema.js";
import { cause, recalled, stored } from "./scene.js";

test("there are 18 event types of four kinds", () => {
  assert.equal(EVENT_TYPES.length, 18);
  assert.deepEqual(AGGREGATE_TYPES, ["policy", "memory", "user", "agent"]);
  assert.deepEqual([...new Set(EVENT_TYPES.map(aggregateTypeOf))], AGGREGATE_TYPES);
});

test("a payload that keeps its contract is taken as it is", () => {
  assert.deepEqual(checked("MemoryStored", "1", stored().payload), stored());
});

for (const [what, payload] of Object.entries({
  "a field that is missing": { agentId: "a1", kind: "fact" },
  "a field too many": { ...stored().payload, colour: "red" },
  "a word that is not among those allowed": { ...stored().payload, kind: "rumour" },
  "a field of another type": { ...stored().payload, content: 7 },
  "something that is no object": "text",
})) {
  test(`${what} breaks the contract`, () => {
    assert.throws(() => checked("MemoryStored", "1", payload), ContractBroken);
  });
}

test("the error names the place and not the value", () => {
  const wrong = { ...stored().payload, kind: "a secret" };
  assert.throws(() => checked("MemoryStored", "1", wrong), /^ContractBroken: MemoryStored.kind must be one of/);
});

test("an unknown type or version breaks the contract", () => {
  assert.throws(() => checked("MemoryLost", "1", {}), /no contract for MemoryLost/);
  assert.throws(() => checked("toString", "1", {}), /no contract for toString/);
  assert.throws(() => checked("MemoryStored", "2", stored().payload), /no contract for version 2/);
});

test("a payload that breaks its contract does not become an event", () => {
  assert.throws(() => toNewEvent(recalled(101), cause(1), 0), ContractBroken);
});

test("the id of an event follows from its cause", () => {
  assert.equal(toNewEvent(recalled(), cause(1), 0).id, toNewEvent(recalled(), cause(1), 0).id);
  assert.notEqual(toNewEvent(recalled(), cause(1), 0).id, toNewEvent(recalled(), cause(1), 1).id);
  assert.match(idOf("a"), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("a workload is the same for the same seed, and asks for every type that is no consequence", () => {
  assert.deepEqual(workload(7, 1_000), workload(7, 1_000));
  assert.notDeepEqual(workload(7, 1_000), workload(8, 1_000));
  const { setup, steps } = workload(7, 1_000);
  const met = new Set([...setup, ...steps].flatMap(({ on }) => on.map(({ fact }) => fact.type)));
  // These two are consequences, of reviews and of violations.
  const consequences = new Set(["PolicyApproved", "AgentSuspended"]);
  assert.deepEqual([...met].sort(), EVENT_TYPES.filter((type) => !consequences.has(type)).sort());
});
