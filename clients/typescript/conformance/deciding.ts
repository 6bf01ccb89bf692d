/**
 * Aggregates and upcasters.
 */
import assert from "node:assert/strict";

import type { AggregateDefinition, RecordedEvent } from "../src/index.js";
import { Aggregate, Expected, NewEvent, UpcastFailed, UpcastLoop, Upcasters } from "../src/index.js";
import type { Scene } from "./scene.js";
import { numbered, refused, take, upTo } from "./scene.js";

interface Account {
  readonly balance: number;
  readonly movements: number;
}

const ACCOUNT: AggregateDefinition<Account> = {
  initial: () => ({ balance: 0, movements: 0 }),
  apply: (account, event) => ({
    balance: account.balance + event.json<{ amount: number }>().amount,
    movements: account.movements + 1,
  }),
  snapshotEvery: 10,
};

const moved = (amount: number): NewEvent => new NewEvent("Moved", { amount });

export async function aggregate(scene: Scene): Promise<void> {
  const { client } = scene;
  const writers = 8;
  const each = 12;
  let decisions = 0;
  const write = async (writer: number): Promise<void> => {
    const account = new Aggregate(await scene.connect(), "account-1", ACCOUNT);
    for (const step of upTo(each)) {
      const appended = await account.execute(
        ({ movements }) => {
          decisions += 1;
          return [new NewEvent("Moved", { amount: writer * 100 + step, after: movements })];
        },
        { maxTries: 100 },
      );
      assert.ok(appended !== undefined && account.revision !== undefined && account.revision >= appended.lastRevision);
    }
    await account.settled();
  };
  await Promise.all(upTo(writers).map(write));
  const total = writers * each;
  assert.ok(decisions > total, "eight writers on one stream do not get by without a conflict");
  const events = await client.readStream("account-1").toArray();
  assert.deepEqual(
    events.map((event) => event.json<{ after: number }>().after),
    upTo(total),
  );

  const [snapshot] = await client.snapshots.list("account-1");
  assert.ok(snapshot !== undefined && snapshot.revision >= BigInt(total - 20), "there is a snapshot near the end");
  const [withSnapshot, without] = [
    new Aggregate(client, "account-1", ACCOUNT),
    new Aggregate(client, "account-1", ACCOUNT),
  ];
  assert.deepEqual(await withSnapshot.load(), await without.rebuild());
  assert.equal(withSnapshot.state.movements, total);
  assert.equal(withSnapshot.revision, BigInt(total - 1));
  const other = new Aggregate(client, "account-1", { ...ACCOUNT, snapshotVersion: "other", initial: ACCOUNT.initial });
  assert.deepEqual(await other.load(), withSnapshot.state);

  const account = new Aggregate(client, "account-2", ACCOUNT);
  assert.deepEqual(await account.load(), ACCOUNT.initial());
  assert.equal(await account.execute(() => []), undefined);
  await assert.rejects(
    account.execute(() => {
      throw new Error("not covered");
    }),
    /not covered/,
  );
  const jealous = account.execute(
    async () => {
      await client.append("account-2", Expected.any, [moved(1)]);
      return [moved(2)];
    },
    { maxTries: 3 },
  );
  await refused("WRONG_EXPECTED_REVISION", jealous);
  assert.equal((await account.load()).balance, 3);
  await client.streams.delete("account-2");
  assert.deepEqual(await account.load(), ACCOUNT.initial());
  await account.execute(() => [moved(5)]);
  assert.equal(account.state.balance, 5);
  assert.deepEqual(scene.warnings, []);
}

export async function upcasters(scene: Scene): Promise<void> {
  const table = new Upcasters()
    .add("Placed", "1", "2", (old: { total: number }) => ({ cents: old.total * 100 }))
    .add("Placed", "2", "3", (old: { cents: number }) => ({ ...old, currency: "EUR" }))
    .add("Paid", "2", "3", (old: object) => ({ ...old, by: "major" }))
    .add("Paid", "*", "3", (old: object) => ({ ...old, by: "default" }))
    .add("Broken", "1", "2", () => {
      throw new TypeError("no such shape");
    });
  const client = await scene.connect({ upcasters: table });
  const event = (type: string, schemaVersion: string, payload: unknown): NewEvent =>
    new NewEvent(type, payload, { schemaVersion });
  await client.append("order-1", Expected.any, [
    new NewEvent("Placed", { total: 3 }),
    event("Placed", "2", { cents: 5 }),
    event("Placed", "3", { cents: 7, currency: "USD" }),
    event("Paid", "2.1", {}),
    event("Paid", "7", {}),
    event("Paid", "7", {}),
    event("Paid", "3", { by: "itself" }),
    event("Other", "1", { a: 1 }),
  ]);
  const shapes = (events: readonly RecordedEvent[]): unknown[] => events.map((it) => [it.schemaVersion, it.json()]);
  const expected = [
    ["3", { cents: 300, currency: "EUR" }],
    ["3", { cents: 5, currency: "EUR" }],
    ["3", { cents: 7, currency: "USD" }],
    ["3", { by: "major" }],
    ["3", { by: "default" }],
    ["3", { by: "default" }],
    ["3", { by: "itself" }],
    ["1", { a: 1 }],
  ];
  assert.deepEqual(shapes(await client.readStream("order-1").toArray()), expected);
  assert.deepEqual(shapes(await client.readAll().toArray()), expected);
  assert.deepEqual(shapes(await take(client.subscribeAll(), 8)), expected);
  assert.deepEqual(shapes([await client.getEvent(1n)]), expected.slice(0, 1));
  assert.deepEqual((await scene.client.getEvent(1n)).json(), { total: 3 });
  assert.equal(scene.warnings.filter((it) => it.includes("version 7 of Paid")).length, 1, scene.warnings.join("\n"));

  await client.append("broken-1", Expected.any, [...numbered(1), event("Broken", "1", {}), ...numbered(1)]);
  const seen: bigint[] = [];
  const failing = (async () => {
    for await (const { position } of client.readStream("broken-1")) seen.push(position);
  })();
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof UpcastFailed && error.cause instanceof TypeError);
    assert.deepEqual([error.type, error.version, error.position], ["Broken", "1", 10n]);
    return true;
  });
  assert.deepEqual(seen, [9n]);

  const same = (payload: unknown): unknown => payload;
  const loops = [
    () => new Upcasters().add("A", "1", "1", same),
    () => new Upcasters().add("A", "1", "2", same).add("A", "2", "1", same),
    () => new Upcasters().add("A", "1", "2.1", same).add("A", "2", "1", same),
    () => new Upcasters().add("A", "3", "4", same).add("A", "*", "3", same),
  ];
  for (const loop of loops) assert.throws(loop, UpcastLoop);
}
