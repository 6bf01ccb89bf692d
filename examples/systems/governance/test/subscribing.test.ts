/**
 * Subscribers: event types, several handlers, retries, dead letters, handlers that are called again, and their times.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Expected, NewEvent } from "quipu-client";

import { deadLetters, replayDeadLetters } from "../src/reactors/dead-letters.js";
import { Outbox } from "../src/reactors/outbox.js";
import { personalDataIn } from "../src/reactors/personal-data.js";
import { screening } from "../src/reactors/screening.js";
import { Stopwatch } from "../src/reactors/stopwatch.js";
import { Subscriber, TRIES } from "../src/reactors/subscriber.js";
import { cause, memory, recalled, Scene, stored } from "./scene.js";

test("a subscriber sees the types it has handlers for, by all handlers of a type", async () => {
  await using scene = await Scene.begin();
  await scene.append(memory("m1"), stored(), recalled(10), recalled(20));
  const seen: string[] = [];
  const subscriber = new Subscriber("test")
    .on("MemoryRecalled", "one", ({ payload }) => void seen.push(`one ${payload.relevance}`))
    .on("MemoryRecalled", "other", ({ payload }) => void seen.push(`other ${payload.relevance}`));
  await scene.settle(subscriber);
  assert.deepEqual(seen, ["one 10", "other 10", "one 20", "other 20"]);
});

test("an event has its envelope when it is handled", async () => {
  await using scene = await Scene.begin();
  const { firstPosition } = await scene.append(memory("m-1"), stored());
  const { id } = await scene.client.getEvent(firstPosition);
  const seen: unknown[] = [];
  await scene.settle(new Subscriber("test").on("MemoryStored", "see", (event) => void seen.push(event)));
  assert.deepEqual(seen, [{ ...stored(), id, version: "1", aggregate: memory("m-1"), ...cause(1) }]);
  const byUser = scene.client.readAll({ query: { tags: ["user:ada"], types: ["MemoryStored"] } });
  assert.equal((await byUser.toArray()).length, 1);
});

test("a handler that fails is tried again, and succeeds", async () => {
  await using scene = await Scene.begin();
  await scene.append(memory("m1"), stored());
  let calls = 0;
  const subscriber = new Subscriber("test").on("MemoryStored", "flaky", () => {
    calls += 1;
    if (calls < 3) throw new Error("not yet");
  });
  await scene.settle(subscriber);
  assert.equal(calls, 3);
  assert.deepEqual(await deadLetters(scene.client, "test"), []);
});

test("an event that keeps failing is parked with the reason, others go on, and a fix deals with it", async () => {
  await using scene = await Scene.begin();
  const outbox = new Outbox(scene.place.outbox);
  const damaged = await scene.append(memory("m1"), stored("attachment:%"));
  await scene.append(memory("m2"), stored());
  await scene.append(memory("m1"), recalled());
  await scene.settle(screening(outbox, "strict"));
  const letters = await deadLetters(scene.client, "screening");
  assert.deepEqual(
    letters.map(({ position, type, stream, reason, tries }) => ({ position, type, stream, reason, tries })),
    [
      {
        position: damaged.firstPosition,
        type: "MemoryStored",
        stream: "memory-m1",
        reason: "Error: the attachment is no base64",
        tries: TRIES.maxTries,
      },
    ],
  );
  assert.equal((await outbox.sent("personal-data")).length, 1, "the other event is screened");
  assert.equal((await outbox.sent("recall-index")).length, 2, "the other handler has dealt with both");

  assert.equal(await replayDeadLetters(scene.client, "screening"), 1n);
  await scene.settle(screening(outbox, "lenient"));
  assert.deepEqual(await deadLetters(scene.client, "screening"), []);
  assert.equal((await outbox.sent("personal-data")).length, 2);
  assert.equal((await outbox.sent("recall-index")).length, 2, "what was done before is not done again");
});

test("an event that breaks its contract is parked at once", async () => {
  await using scene = await Scene.begin();
  await scene.client.append("memory-m1", Expected.any, [new NewEvent("MemoryStored", { text: "of another time" })]);
  await scene.settle(screening(new Outbox(scene.place.outbox), "strict"));
  const [letter] = await deadLetters(scene.client, "screening");
  assert.equal(letter?.tries, 1);
  assert.equal(letter.reason, "contract broken: MemoryStored has an unknown field text");
});

test("an event whose settlement is lost comes again, and has its effect once", async () => {
  await using scene = await Scene.begin();
  const outbox = new Outbox(scene.place.outbox);
  await scene.append(memory("m1"), stored());
  let calls = 0;
  const subscriber = (): Subscriber =>
    new Subscriber("test").on("MemoryStored", "tell", async (event) => {
      calls += 1;
      await outbox.send("owners", event, "stored");
    });
  await scene.settle(subscriber());
  await scene.client.consumers.reset("test", "start");
  await scene.settle(subscriber());
  assert.equal(calls, 2);
  assert.equal((await outbox.sent("owners")).length, 1);
});

test("handler times are measured by handler and by event type", async () => {
  await using scene = await Scene.begin();
  await scene.append(memory("m1"), stored(), recalled());
  const subscriber = new Subscriber("test")
    .on("MemoryStored", "quick", () => undefined)
    .on("MemoryRecalled", "quick", () => undefined);
  await scene.settle(subscriber);
  const { handlers, reactor } = subscriber.metrics ?? assert.fail("there are metrics");
  assert.equal(handlers["quick"]?.calls, 2);
  assert.equal(handlers["quick"].failures, 0);
  assert.deepEqual(Object.keys(reactor.handlerTime).sort(), ["MemoryRecalled", "MemoryStored"]);
});

test("a stopwatch counts calls that fail, too", async () => {
  const clock = [0, 5, 5, 25].values();
  const stopwatch = new Stopwatch(() => clock.next().value ?? 0);
  await stopwatch.measure("h", () => undefined);
  await assert.rejects(
    stopwatch.measure("h", () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.deepEqual(stopwatch.times(), { h: { calls: 2, failures: 1, totalMs: 25, maxMs: 20 } });
});

test("personal data is found in text and in attachments", () => {
  const encoded = Buffer.from("write to someone@example.com").toString("base64");
  assert.equal(personalDataIn("write to someone@example.com", "strict"), 1);
  assert.equal(personalDataIn(`attachment:${encoded}`, "strict"), 1);
  assert.throws(() => personalDataIn(`attachment:%${encoded}`, "strict"), /no base64/);
  assert.equal(personalDataIn(`attachment:%${encoded}`, "lenient"), 1);
});
