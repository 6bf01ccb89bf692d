/**
 * Reads and subscriptions.
 */
import assert from "node:assert/strict";

import type { ReadAllOptions, ReadStreamOptions, RecordedEvent } from "../src/index.js";
import { Expected, NewEvent } from "../src/index.js";
import type { Scene } from "./scene.js";
import { heardUntil, numbered, numberOf, refused, take, upTo, within } from "./scene.js";

const types = (events: readonly RecordedEvent[]): string[] => events.map((event) => event.type);

export async function readStream({ client }: Scene): Promise<void> {
  const occurredAt = new Date("2011-03-01T10:00:00.500Z");
  const full = new NewEvent("Full", new Uint8Array([1, 2, 3]), {
    contentType: "application/octet-stream",
    metadata: { user: "ann" },
    schemaVersion: "2.1",
    correlationId: "c",
    causationId: "d",
    tags: ["x:1", "y:2"],
    occurredAt,
  });
  const { lastPosition } = await client.append("order-1", Expected.noStream, [full, ...numbered(9, "N", 1)]);
  const [event] = await client.readStream("order-1", { limit: 1 }).toArray();
  assert.ok(event !== undefined);
  const { id, type, data, contentType, metadata, schemaVersion, correlationId, causationId, tags } = event;
  assert.deepEqual([id, type, [...data], contentType], [full.id, "Full", [1, 2, 3], "application/octet-stream"]);
  assert.deepEqual([{ ...metadata }, schemaVersion, correlationId, causationId], [{ user: "ann" }, "2.1", "c", "d"]);
  assert.deepEqual([tags, event.occurredAt, event.stream], [["x:1", "y:2"], occurredAt, "order-1"]);
  assert.deepEqual(await client.getEvent(full.id), event);
  assert.deepEqual(await client.getEvent(1n), event);
  await refused("EVENT_NOT_FOUND", client.getEvent(lastPosition + 1n));

  const revisions = async (options: ReadStreamOptions): Promise<number[]> =>
    (await client.readStream("order-1", options).toArray()).map((it) => Number(it.revision));
  assert.deepEqual(await revisions({}), upTo(10));
  assert.deepEqual(await revisions({ direction: "backwards" }), upTo(10).reverse());
  assert.deepEqual(await revisions({ from: { revision: 7n } }), [7, 8, 9]);
  assert.deepEqual(await revisions({ from: { revision: 3n }, direction: "backwards", limit: 2 }), [3, 2]);
  assert.deepEqual(await revisions({ types: ["Full", "None"] }), [0]);
  assert.deepEqual(await revisions({ from: { revision: 10n } }), []);
  await refused("BEYOND_END", client.readStream("order-1", { from: { revision: 12n } }).toArray());
  await refused("STREAM_NOT_FOUND", client.readStream("order-2").toArray());

  await client.snapshots.save("order-1", 6n, { sum: 21 });
  const reading = client.readStream("order-1", { withSnapshot: true });
  assert.deepEqual((await reading.snapshot())?.json(), { sum: 21 });
  assert.deepEqual((await reading.toArray()).map(numberOf), [7, 8, 9]);
  assert.equal(reading.head, 9n);
  const stopped = new AbortController();
  stopped.abort(new Error("enough"));
  await assert.rejects(client.readStream("order-1", { signal: stopped.signal }).toArray(), /enough/);
}

export async function readAllQuery({ client }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, [
    new NewEvent("Placed", {}, { tags: ["customer:7"], correlationId: "talk" }),
    new NewEvent("Paid", {}, { tags: ["customer:7", "urgent"] }),
  ]);
  await client.append("letter-1", Expected.any, [new NewEvent("Sent", {}, { tags: ["customer:8"] })]);
  const middle = (await client.append("order-2", Expected.any, [new NewEvent("Placed")])).lastPosition;
  await client.append("plain", Expected.any, [new NewEvent("Paid", {}, { correlationId: "talk" })]);

  const found = async (options: ReadAllOptions): Promise<number[]> => {
    const reading = client.readAll(options);
    const positions = (await reading.toArray()).map((event) => Number(event.position));
    assert.equal(reading.head, 5n);
    return positions;
  };
  assert.deepEqual(await found({}), [1, 2, 3, 4, 5]);
  assert.deepEqual(await found({ query: "all", direction: "backwards", limit: 2 }), [5, 4]);
  assert.deepEqual(await found({ query: { types: ["Placed", "Sent"] } }), [1, 3, 4]);
  assert.deepEqual(await found({ query: { tags: ["customer:7", "urgent"] } }), [2]);
  assert.deepEqual(await found({ query: { categories: ["order"] }, from: { position: 2n } }), [2, 4]);
  assert.deepEqual(await found({ query: { streamPrefix: "order-2" } }), [4]);
  assert.deepEqual(await found({ query: { correlationId: "talk" } }), [1, 5]);
  assert.deepEqual(await found({ query: [{ types: ["Sent"] }, { tags: ["urgent"] }] }), [2, 3]);
  assert.deepEqual(await found({ from: { time: new Date(Date.now() + 3_600_000) } }), []);
  assert.deepEqual(await found({ from: { time: new Date(0) }, limit: 2n }), [1, 2]);
  const { recordedAt } = await client.getEvent(middle);
  assert.ok((await found({ from: { time: recordedAt } })).includes(Number(middle)));
  await client.streams.setMetadata("order-1", { maxCount: 1n });
  assert.equal((await client.readAll({ includeSystem: true }).toArray()).length, 6);
  await refused("INVALID_ARGUMENT", client.readAll({ query: [] }).toArray());
}

/** A read goes on behind what it has delivered, however often the server is killed. */
export async function readResume({ client, server }: Scene): Promise<void> {
  const count = 4_000;
  const filler = "x".repeat(12_000);
  for (let first = 0; first < count; first += 1_000) {
    const numbers = upTo(1_000).map((number) => number + first);
    await client.append(
      "long-1",
      Expected.any,
      numbers.map((number) => new NewEvent("Numbered", { number, filler })),
    );
  }
  const reads = {
    forwards: () => client.readStream("long-1"),
    backwards: () => client.readStream("long-1", { direction: "backwards", limit: count - 100 }),
    log: () => client.readAll({ query: { types: ["Numbered"] }, limit: count }),
  };
  for (const [name, read] of Object.entries(reads)) {
    const numbers: number[] = [];
    for await (const event of read()) {
      numbers.push(numberOf(event));
      if (numbers.length === 700 || numbers.length === 2_500) await server.killAndRestart();
    }
    const expected =
      name === "backwards"
        ? upTo(count)
            .reverse()
            .slice(0, count - 100)
        : upTo(count);
    assert.deepEqual(numbers, expected, name);
  }
}

export async function subscribeLive({ client }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, numbered(3));
  const begun = await heardUntil(client.subscribeAll(), "caughtUp");
  assert.deepEqual(begun.at(-1), { kind: "caughtUp", position: 3n });
  const events = begun.flatMap((message) => (message.kind === "events" ? message.events : []));
  assert.deepEqual(events.map(numberOf), [0, 1, 2]);

  const live = await client.subscribeAll({ from: "end" }).ready();
  const stream = await client.subscribeStream("order-1", { from: "end" }).ready();
  const unborn = await client.subscribeStream("order-9", { types: ["B"] }).ready();
  const tagged = client.subscribeAll({ from: { after: 3n }, query: { types: ["B"] } });
  await client.append("order-1", Expected.any, numbered(2, "A", 3));
  await client.append("order-9", Expected.any, [new NewEvent("A"), new NewEvent("B")]);
  assert.deepEqual(types(await within("live", take(live, 4))), ["A", "A", "A", "B"]);
  assert.deepEqual((await within("stream", take(stream, 2))).map(numberOf), [3, 4]);
  assert.deepEqual(types(await within("unborn", take(unborn, 1))), ["B"]);
  assert.deepEqual(
    (await within("tagged", take(tagged, 1))).map((event) => event.position),
    [7n],
  );
  const later = client.subscribeAll({ from: { time: new Date(0) } });
  assert.equal((await within("from a time", take(later, 7))).length, 7);

  const passed = await heardUntil(client.subscribeAll({ query: { types: ["None"] } }), "caughtUp");
  assert.deepEqual(passed.at(-1), { kind: "caughtUp", position: 7n });
  await refused("BEYOND_END", client.subscribeAll({ from: { after: 99n } }).ready());

  const ended = client.subscribeAll({ from: "end" });
  const walk = take(await ended.ready(), 1);
  await ended.close();
  assert.deepEqual(await within("a closed subscription", walk), []);
  const signal = AbortSignal.timeout(10);
  await assert.rejects(within("an aborted subscription", take(client.subscribeAll({ from: "end", signal }), 1)), {
    name: "TimeoutError",
  });
}

/** Subscriptions deliver each event once and in order while events flow and the server is killed. */
export async function subscribeResume({ client, server }: Scene): Promise<void> {
  const count = 400;
  const log = await client.subscribeAll({ query: { types: ["Numbered"] } }).ready();
  const stream = await client.subscribeStream("order-1").ready();
  const late = await client.subscribeAll({ from: "end" }).ready();
  const taken = Promise.all([take(log, count), take(stream, count), take(late, count)]);
  for (const number of upTo(count)) {
    await client.append("order-1", Expected.any, [new NewEvent("Numbered", { number })]);
    if (number === 100 || number === 250) await server.killAndRestart();
  }
  for (const events of await within("all events", taken)) assert.deepEqual(events.map(numberOf), upTo(count));

  const told = client.subscribeAll({ from: "end" });
  const heard = heardUntil(await told.ready(), "reconnected");
  await server.killAndRestart();
  assert.equal((await within("the reconnection", heard)).at(-1)?.kind, "reconnected");
}
