/**
 * Read models, projectors and replays.
 */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { Client, RecordedEvent } from "../src/index.js";
import { Expected, NewEvent, Projector } from "../src/index.js";
import { countingProjector } from "./counting.js";
import type { Scene } from "./scene.js";
import { numbered, numberOf, refused, until, upTo, within } from "./scene.js";

export async function readModels({ client }: Scene): Promise<void> {
  const { readModels: models } = client;
  await client.append("order-1", Expected.any, numbered(10));
  assert.equal(await models.get("orders", "order", "1"), undefined);
  assert.equal(await models.describe("orders"), undefined);
  await refused("READ_MODEL_NOT_FOUND", models.list("orders").toArray());

  const upserts = upTo(5).map((id) => ({ type: "order", id: `o-${id}`, content: { id } }));
  const other = { type: "blob", id: "b", content: new Uint8Array([1]), contentType: "image/png" };
  assert.equal(await models.write("orders", { expectedPosition: 0n, position: 3n, upserts: [...upserts, other] }), 1n);
  const document = await models.get("orders", "order", "o-2");
  assert.deepEqual([document?.json(), document?.position, document?.contentType], [{ id: 2 }, 3n, "application/json"]);
  const blob = await models.get("orders", "blob", "b");
  assert.deepEqual([[...(blob?.data ?? [])], blob?.contentType], [[1], "image/png"]);
  const ids = async (options: Parameters<typeof models.list>[1]): Promise<string[]> =>
    (await models.list("orders", options).toArray()).map(({ id }) => id);
  assert.deepEqual(await ids({}), ["b", "o-0", "o-1", "o-2", "o-3", "o-4"]);
  assert.deepEqual(await ids({ type: "order", pageSize: 2 }), ["o-0", "o-1", "o-2", "o-3", "o-4"]);
  assert.deepEqual(await ids({ type: "order", idPrefix: "o-3" }), ["o-3"]);
  assert.deepEqual(await ids({ type: "order", offset: 3n, pageSize: 1 }), ["o-3", "o-4"]);
  assert.equal((await models.list("orders").page()).position, 3n);

  const error = await refused(
    "WRONG_READ_MODEL_POSITION",
    models.write("orders", { expectedPosition: 2n, position: 4n }),
  );
  assert.ok(error.isConflict);
  assert.deepEqual(error.detail, {
    reason: "WRONG_READ_MODEL_POSITION",
    model: "orders",
    generation: 1n,
    expected: 2n,
    actual: 3n,
  });
  const deletes = [
    { type: "order", id: "o-0" },
    { type: "order", id: "never" },
  ];
  await models.write("orders", { expectedPosition: 3n, position: 5n, deletes });
  assert.equal(await models.get("orders", "order", "o-0"), undefined);

  const generation = await models.begin("orders");
  assert.equal(generation, 2n);
  const fresh = [{ type: "order", id: "new", content: {} }];
  await models.write("orders", { expectedPosition: 0n, position: 6n, upserts: fresh }, { generation });
  assert.equal(await models.get("orders", "order", "new"), undefined);
  assert.deepEqual(await ids({ generation }), ["new"]);
  const described = async (): Promise<unknown> =>
    (await models.describe("orders"))?.map((it) => [it.generation, it.position, it.isActive]);
  assert.deepEqual(await described(), [
    [1n, 5n, true],
    [2n, 6n, false],
  ]);
  await refused("WRONG_READ_MODEL_POSITION", models.switch("orders", generation, { expectedPosition: 5n }));
  await models.switch("orders", generation, { expectedPosition: 6n });
  await models.switch("orders", generation);
  assert.deepEqual(await described(), [[2n, 6n, true]]);
  assert.deepEqual(await ids({}), ["new"]);
  assert.deepEqual(await models.listModels({ prefix: "ord" }).toArray(), ["orders"]);
  await models.delete("orders");
  assert.equal(await models.describe("orders"), undefined);
  await refused("READ_MODEL_NOT_FOUND", models.delete("orders"));
}

const COUNT = 1_000;

/** Events of ten customers, and others in between that the projector does not want. */
async function appendAll(client: Client): Promise<void> {
  for (let first = 0; first < COUNT; first += 50) {
    const events = upTo(50).flatMap((index) => [
      new NewEvent("Counted", { customer: (first + index) % 10, number: first + index }),
      new NewEvent("Other"),
    ]);
    await client.append("count-1", Expected.any, events);
  }
}

async function counts(client: Client): Promise<number[]> {
  const documents = await client.readModels.list("counts", { type: "customer" }).toArray();
  return documents.map((document) => document.json<{ events: number }>().events);
}

async function position(client: Client): Promise<bigint> {
  return (await client.readModels.describe("counts"))?.find(({ isActive }) => isActive)?.position ?? 0n;
}

/** A thousand events are counted exactly while the projector and the server are killed; then anew. */
export async function projector({ client, server }: Scene): Promise<void> {
  const start = (): ChildProcess => fork(join(import.meta.dirname, "counting.js"), [server.address]);
  const killed = async (child: ChildProcess): Promise<void> => {
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  const appending = appendAll(client);
  let child = start();
  try {
    for (const place of [150n, 500n]) {
      await until(`position ${place}`, async () => (await position(client)) >= place);
      await killed(child);
      child = start();
    }
    await until("position 900", async () => (await position(client)) >= 900n);
    await server.killAndRestart();
    await appending;
    const { head } = await client.serverInfo();
    await until("the head", async () => (await position(client)) === head);
  } finally {
    await killed(child);
  }
  assert.deepEqual(
    await counts(client),
    upTo(10).map(() => COUNT / 10),
  );

  // Two at the same time get in each other's way and still count exactly.
  const [one, other] = [countingProjector(client), countingProjector(client)];
  const running = [one.run(), other.run()];
  await client.append(
    "count-2",
    Expected.any,
    upTo(100).map((number) => new NewEvent("Counted", { customer: 3, number })),
  );
  const last = (await client.serverInfo()).head;
  await until("the head", async () => (await position(client)) === last);
  const tens = upTo(10).map((customer) => (customer === 3 ? 200 : 100));
  assert.deepEqual(await counts(client), tens);

  // A rebuild does something else with the same events; readers and running projectors see it at once.
  const doubled = new Projector(client, "counts", { batchSize: 64 }).on("Counted", async (event, tx) => {
    const id = String(event.json<{ customer: number }>().customer);
    const before = (await tx.get<{ events: number }>("customer", id))?.events ?? 0;
    tx.upsert("customer", id, { events: before + 2 });
    tx.upsert("scratch", "s", {});
    tx.delete("scratch", "s");
    assert.equal(await tx.get("scratch", "s"), undefined);
  });
  assert.equal(await doubled.rebuild(), 2n);
  assert.deepEqual(
    await counts(client),
    tens.map((events) => events * 2),
  );
  assert.deepEqual(
    (await client.readModels.describe("counts"))?.map((it) => [it.generation, it.isActive]),
    [[2n, true]],
  );
  await client.append("count-2", Expected.any, [new NewEvent("Counted", { customer: 0, number: 0 })]);
  await until("one more", async () => (await counts(client))[0] === 201);
  await within("the stop", Promise.all([one.stop(), other.stop(), ...running]));
  assert.deepEqual(await client.readModels.list("counts", { type: "scratch" }).toArray(), []);

  const failing = new Projector(client, "broken").on("Counted", () => {
    throw new TypeError("not this one");
  });
  await assert.rejects(failing.run(), TypeError);
  assert.equal(await client.readModels.describe("broken"), undefined);
}

/** A replay that is stopped goes on behind its checkpoint; batches are as large as asked for. */
export async function replay({ client, server }: Scene): Promise<void> {
  assert.equal(await client.replay("nothing", () => assert.fail("there is nothing")), 0n);
  for (const first of upTo(10)) await client.append("order-1", Expected.any, numbered(10, "Numbered", first * 10));
  await client.append("other-1", Expected.any, numbered(7, "Other"));
  const query = { types: ["Numbered"] };
  const seen: number[] = [];
  const sizes: number[] = [];
  const handle = (events: readonly RecordedEvent[]): void => {
    sizes.push(events.length);
    seen.push(...events.map(numberOf));
    if (seen.length === 45) throw new Error("stop here");
  };
  await assert.rejects(client.replay("again", handle, { query, batchSize: 15 }), /stop here/);
  assert.equal((await client.checkpoints.get("again"))?.position, 30n);
  assert.deepEqual(sizes, [15, 15, 15]);
  seen.splice(30);
  await server.killAndRestart();
  assert.equal(await client.replay("again", handle, { query, batchSize: 40 }), 107n);
  assert.deepEqual(seen, upTo(100));
  assert.deepEqual(sizes.slice(3), [40, 30]);
  assert.equal((await client.checkpoints.get("again"))?.position, 107n);
  assert.equal(await client.replay("again", () => assert.fail("it is done"), { query }), 107n);

  const others: number[] = [];
  const add = (events: readonly RecordedEvent[]): void => void others.push(...events.map(numberOf));
  await client.replay("others", add, { from: { after: 100n } });
  assert.deepEqual(others, upTo(7));

  const controller = new AbortController();
  const following = client.replay("again", add, { query, follow: true, signal: controller.signal });
  await client.append("order-1", Expected.any, numbered(3, "Numbered", 100));
  await until("the checkpoint", async () => (await client.checkpoints.get("again"))?.position === 110n);
  assert.deepEqual(others.slice(7), [100, 101, 102]);
  controller.abort();
  await assert.rejects(following, { name: "AbortError" });
}
