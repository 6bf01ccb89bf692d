/**
 * Snapshots, state, checkpoints, the lives of streams, counts, tenants and errors.
 */
import assert from "node:assert/strict";

import { Code, Expected, NewEvent, QuipuError } from "../src/index.js";
import { Client } from "../src/index.js";
import type { Scene } from "./scene.js";
import { numbered, numberOf, refused, upTo, within } from "./scene.js";

export async function snapshots({ client, server }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, numbered(10));
  assert.equal(await client.snapshots.get("order-1"), undefined);
  for (const revision of [2n, 5n, 8n]) await client.snapshots.save("order-1", revision, { at: Number(revision) });
  const saved = { schemaVersion: "3", metadata: { by: "me" }, contentType: "text/plain" };
  await client.snapshots.save("order-1", 8n, new TextEncoder().encode("eight"), saved);
  await server.killAndRestart();
  const newest = await client.snapshots.get("order-1");
  assert.ok(newest !== undefined);
  assert.deepEqual([newest.revision, newest.schemaVersion, { ...newest.metadata }], [8n, "3", { by: "me" }]);
  assert.equal(new TextDecoder().decode(newest.data), "eight");
  assert.deepEqual((await client.snapshots.get("order-1", { atOrBefore: 7n }))?.json(), { at: 5 });
  assert.deepEqual(
    (await client.snapshots.list("order-1")).map((it) => it.revision),
    [8n, 5n, 2n],
  );
  await refused("SNAPSHOT_AHEAD", client.snapshots.save("order-1", 10n, {}));
  await refused("STREAM_NOT_FOUND", client.snapshots.save("order-2", 0n, {}));
  assert.equal(await client.snapshots.delete("order-1", { revision: 5n }), 1n);
  assert.equal(await client.snapshots.delete("order-1"), 2n);
  await refused("SNAPSHOT_NOT_FOUND", client.snapshots.delete("order-1"));
}

export async function state({ client }: Scene): Promise<void> {
  const patches = [{ a: 1, deep: { x: 1, y: 2 } }, { b: [1, 2] }, { a: null, deep: { x: null } }, { b: [3] }];
  await client.append(
    "order-1",
    Expected.any,
    patches.map((patch) => new NewEvent("Patched", patch)),
  );
  const now = await client.snapshots.getState("order-1");
  assert.deepEqual(now.json(), { deep: { y: 2 }, b: [3] });
  assert.deepEqual([now.revision, now.snapshotRevision, now.events], [3n, undefined, 4n]);
  const before = await client.snapshots.getState("order-1", { at: { revision: 1n } });
  assert.deepEqual(before.json(), { a: 1, deep: { x: 1, y: 2 }, b: [1, 2] });
  const { recordedAt } = await client.getEvent(4n);
  const then = new Date(recordedAt.getTime() + 1);
  assert.deepEqual((await client.snapshots.getState("order-1", { at: { time: then } })).json(), now.json());

  await client.snapshots.save("order-1", 1n, { a: 1, deep: { x: 1, y: 2 }, b: [1, 2] });
  const shorter = await client.snapshots.getState("order-1");
  assert.deepEqual([shorter.json(), shorter.snapshotRevision, shorter.events], [now.json(), 1n, 2n]);
  const longer = await client.snapshots.getState("order-1", { withoutSnapshot: true });
  assert.deepEqual([longer.json(), longer.snapshotRevision], [now.json(), undefined]);
  await refused("STREAM_NOT_FOUND", client.snapshots.getState("order-2"));
  await refused("BEYOND_END", client.snapshots.getState("order-1", { at: { revision: 4n } }));
  await client.append("blob-1", Expected.any, [new NewEvent("Blob", new Uint8Array([255]))]);
  const error = await refused("NOT_FOLDABLE", client.snapshots.getState("blob-1"));
  assert.deepEqual(error.detail, { reason: "NOT_FOLDABLE", stream: "blob-1", revision: 0n, isSnapshot: false });

  await client.snapshots.setPolicy({ category: "basket", everyEvents: 5 });
  await client.snapshots.setPolicy({ category: "account", everyEvents: 9 });
  assert.deepEqual(await client.snapshots.listPolicies(), [
    { category: "account", everyEvents: 9 },
    { category: "basket", everyEvents: 5 },
  ]);
  await client.snapshots.deletePolicy("account");
  await refused("POLICY_NOT_FOUND", client.snapshots.deletePolicy("account"));
  await client.append("basket-1", Expected.any, numbered(12));
  const savedState = async (): Promise<void> => {
    while ((await client.snapshots.get("basket-1")) === undefined) await client.serverInfo();
  };
  await within("a snapshot by policy", savedState());
  assert.deepEqual((await client.snapshots.getState("basket-1")).json(), { number: 11 });
}

export async function checkpoints({ client, server }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, numbered(9));
  assert.equal(await client.checkpoints.get("mailer"), undefined);
  assert.equal((await client.checkpoints.set("mailer", 3n, { expected: "none" })).position, 3n);
  await client.checkpoints.set("mailer", 5n, { expected: 3n });
  const error = await refused("WRONG_CHECKPOINT", client.checkpoints.set("mailer", 6n, { expected: 3n }));
  assert.deepEqual(error.detail, { reason: "WRONG_CHECKPOINT", name: "mailer", expected: 3n, actual: 5n });
  await refused("BEYOND_END", client.checkpoints.set("mailer", 10n));
  await client.checkpoints.set("mailer", 2n);
  await server.killAndRestart();
  assert.equal((await client.checkpoints.get("mailer"))?.position, 2n);

  for (const number of upTo(7)) await client.checkpoints.set(`many-${number}`, 1n);
  const listing = client.checkpoints.list({ prefix: "many-", pageSize: 3 });
  assert.deepEqual(
    (await listing.toArray()).map((it) => it.name),
    upTo(7).map((number) => `many-${number}`),
  );
  assert.equal((await listing.page()).items.length, 3);

  assert.deepEqual(await client.checkpoints.wait("mailer", 2n), { reached: true, position: 2n });
  assert.deepEqual(await client.checkpoints.wait("nobody", 2n, { timeoutMs: 0 }), {
    reached: false,
    position: undefined,
  });
  const wait = client.checkpoints.wait("mailer", 7n, { timeoutMs: 20_000 });
  await client.checkpoints.set("mailer", 8n);
  assert.deepEqual(await within("the wait", wait), { reached: true, position: 8n });
  await client.checkpoints.delete("mailer");
  await refused("CHECKPOINT_NOT_FOUND", client.checkpoints.delete("mailer"));
}

export async function streamLife({ client }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, numbered(10));
  await client.append("order-2", Expected.any, numbered(1));
  await client.append("letter-1", Expected.any, numbered(1));
  const info = await client.streams.get("order-1");
  assert.deepEqual([info?.firstRevision, info?.headRevision, info?.eventCount, info?.lastPosition], [0n, 9n, 10n, 10n]);
  assert.equal(await client.streams.get("order-3"), undefined);
  assert.deepEqual(await client.streams.list({ pageSize: 1 }).toArray(), ["letter-1", "order-1", "order-2"]);
  assert.deepEqual(await client.streams.list({ category: "order" }).toArray(), ["order-1", "order-2"]);
  assert.deepEqual(await client.streams.list({ prefix: "let" }).toArray(), ["letter-1"]);

  await client.streams.setMetadata("order-1", { maxCount: 3n, maxAgeMs: 3_600_000, properties: { owner: "ann" } });
  const hidden = await client.streams.get("order-1");
  assert.deepEqual([hidden?.firstRevision, hidden?.eventCount], [7n, 3n]);
  const { maxCount, maxAgeMs, truncateBefore, properties } = hidden?.metadata ?? {};
  assert.deepEqual(
    [maxCount, maxAgeMs, truncateBefore, { ...properties }],
    [3n, 3_600_000, undefined, { owner: "ann" }],
  );
  assert.deepEqual((await client.readStream("order-1").toArray()).map(numberOf), [7, 8, 9]);
  await client.streams.setMetadata("order-1", { truncateBefore: 9n });
  assert.deepEqual((await client.readStream("order-1").toArray()).map(numberOf), [9]);

  await refused("WRONG_EXPECTED_REVISION", client.streams.delete("order-1", { expected: Expected.revision(3n) }));
  await client.streams.delete("order-1", { expected: Expected.revision(9n) });
  assert.equal(await client.streams.get("order-1"), undefined);
  await refused("STREAM_DELETED", client.readStream("order-1").toArray());
  assert.equal((await client.append("order-1", Expected.noStream, numbered(1, "A", 10))).firstRevision, 10n);
  assert.deepEqual((await client.readStream("order-1").toArray()).map(numberOf), [10]);
  await client.streams.tombstone("order-1");
  const tombstoned = await refused("STREAM_TOMBSTONED", client.append("order-1", Expected.any, numbered(1)));
  assert.equal(tombstoned.code, Code.FailedPrecondition);
  const read = await refused("STREAM_TOMBSTONED", client.readStream("order-1").toArray());
  assert.equal(read.code, Code.NotFound);
  assert.equal((await client.readAll().toArray()).length, 13);
}

export async function statistics({ client }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, [...numbered(5, "Placed"), ...numbered(2, "Paid")]);
  await client.append("letter-1", Expected.any, numbered(3, "Sent"));
  await client.append("plain", Expected.any, numbered(1, "Placed"));
  const counts = await client.streams.statistics();
  assert.deepEqual([counts.events, counts.streams], [11n, 3n]);
  const named = (list: typeof counts.types): [string, bigint][] => list.map(({ name, events }) => [name, events]);
  assert.deepEqual(named(counts.types), [
    ["Placed", 6n],
    ["Sent", 3n],
    ["Paid", 2n],
  ]);
  assert.deepEqual(named(counts.categories), [
    ["order", 7n],
    ["letter", 3n],
  ]);
  assert.equal(
    counts.days.reduce((sum, day) => sum + day.events, 0n),
    11n,
  );
  assert.deepEqual([counts.eventsOfOtherTypes, counts.eventsOfOtherCategories], [0n, 0n]);
  const types = await client.streams.listEventTypes({ prefix: "P", pageSize: 1 }).toArray();
  assert.deepEqual(named(types), [
    ["Paid", 2n],
    ["Placed", 6n],
  ]);
}

export async function tenants(scene: Scene): Promise<void> {
  const [one, other] = [await scene.connect({ tenant: "one" }), await scene.connect({ tenant: "other" })];
  const events = numbered(3);
  const first = await one.append("order-1", Expected.noStream, events);
  assert.deepEqual(await other.append("order-1", Expected.noStream, events), first);
  await one.append("only-one", Expected.noStream, numbered(1));
  assert.deepEqual(await other.streams.list().toArray(), ["order-1"]);
  await refused("STREAM_NOT_FOUND", other.readStream("only-one").toArray());
  const nobody = await scene.connect({ tenant: "nobody" });
  await refused("TENANT_NOT_FOUND", nobody.readAll().toArray());
  const [infoOne, infoOther] = [await one.serverInfo(), await other.serverInfo()];
  assert.deepEqual([infoOne.tenant, infoOne.head, infoOther.tenant, infoOther.head], ["one", 4n, "other", 3n]);
  assert.notEqual(infoOne.logId, infoOther.logId);
  const invalid = await scene.connect({ tenant: "no tenant" });
  await refused("INVALID_ARGUMENT", invalid.append("order-1", Expected.any, numbered(1)));
}

export async function errors(scene: Scene): Promise<void> {
  const { client } = scene;
  await client.append("order-1", Expected.any, numbered(1));
  const bad = {
    "an empty stream name": () => client.append("", Expected.any, numbered(1)),
    "a system stream": () => client.append("$mine", Expected.any, numbered(1)),
    "no event": () => client.append("order-1", Expected.any, []),
    "no type": () => client.append("order-1", Expected.any, [new NewEvent("")]),
    "an id that is none": () => client.append("order-1", Expected.any, [new NewEvent("A", {}, { id: "x" })]),
    "a tag twice": () => client.append("order-1", Expected.any, [new NewEvent("A", {}, { tags: ["a", "a"] })]),
    "the same id twice": () => client.append("order-1", Expected.any, twice(new NewEvent("A"))),
    "an empty query": () => client.readAll({ query: {} }).toArray(),
    "a transaction of nothing": () => client.transact({}),
    "a checkpoint without a name": () => client.checkpoints.set("", 0n),
    "a place to begin when there is a snapshot": () =>
      client.readStream("order-1", { from: { revision: 0n }, withSnapshot: true }).toArray(),
  };
  for (const [name, attempt] of Object.entries(bad)) {
    const error = await refused("INVALID_ARGUMENT", attempt()).catch((failure: unknown) => {
      throw new Error(name, { cause: failure });
    });
    assert.equal(error.code, Code.InvalidArgument, name);
    assert.ok(!error.isConflict && !error.isRetryable, name);
  }
  const long = await refused("LIMIT_EXCEEDED", client.append("x".repeat(513), Expected.any, numbered(1)));
  assert.deepEqual(long.detail, {
    reason: "LIMIT_EXCEEDED",
    limit: "stream_name_bytes",
    maximum: 512n,
    actual: 513n,
  });
  const beyond = await refused("BEYOND_END", client.readAll({ from: { position: 9n } }).toArray());
  assert.deepEqual(beyond.detail, { reason: "BEYOND_END", asked: 9n, last: 1n });
  assert.throws(() => new NewEvent("A", 1n), QuipuError);
  await assert.rejects(client.append("order-1", -1n, numbered(1)), { code: Code.InvalidArgument });
  await using session = client.appendSession();
  const [good, wrong, after] = [
    session.append("order-1", Expected.any, numbered(1)),
    session.append("order-1", Expected.noStream, numbered(1)),
    session.append("order-1", Expected.any, numbered(1)),
  ];
  assert.equal((await good).lastRevision, 1n);
  const inSession = await refused("WRONG_EXPECTED_REVISION", wrong);
  assert.ok(inSession.detail?.reason === "WRONG_EXPECTED_REVISION" && inSession.detail.actual === 1n);
  assert.equal((await after).lastRevision, 2n);

  await scene.server.kill();
  await assert.rejects(Client.connect(scene.server.address), { isRetryable: true });
  for (const address of ["", "127.0.0.1:port", "ftp://127.0.0.1", "http://127.0.0.1/path"]) {
    await assert.rejects(Client.connect(address), /invalid address/);
  }
}

function twice(event: NewEvent): NewEvent[] {
  return [event, event];
}
