/**
 * Appends, guards and transactions.
 */
import assert from "node:assert/strict";

import type { QuipuError } from "../src/index.js";
import { Expected, Guard, NewEvent } from "../src/index.js";
import type { Scene } from "./scene.js";
import { numbered, numberOf, refused, upTo } from "./scene.js";

export async function appendExpected({ client }: Scene): Promise<void> {
  const first = await client.append("order-1", Expected.noStream, numbered(2));
  assert.deepEqual(first, {
    firstRevision: 0n,
    lastRevision: 1n,
    firstPosition: 1n,
    lastPosition: 2n,
    deduplicated: false,
  });
  assert.equal((await client.append("order-1", Expected.streamExists, numbered(1))).lastRevision, 2n);
  assert.equal((await client.append("order-1", Expected.revision(2n), numbered(1))).lastRevision, 3n);
  assert.equal((await client.append("order-2", Expected.any, numbered(1))).firstPosition, 5n);

  const wrong = [
    ["order-1", Expected.noStream, 3n],
    ["order-1", Expected.revision(2n), 3n],
    ["order-1", Expected.revision(9n), 3n],
    ["order-3", Expected.streamExists, undefined],
    ["order-3", Expected.revision(0n), undefined],
  ] as const;
  for (const [stream, expected, actual] of wrong) {
    const error = await refused("WRONG_EXPECTED_REVISION", client.append(stream, expected, numbered(1)));
    assert.ok(error.isConflict && !error.isRetryable);
    assert.deepEqual(error.detail, { reason: "WRONG_EXPECTED_REVISION", stream, expected, actual, head: 5n });
  }
  assert.equal((await client.serverInfo()).head, 5n);
}

export async function appendRetry({ client }: Scene): Promise<void> {
  for (const [index, expected] of [Expected.any, Expected.noStream, Expected.revision(0n)].entries()) {
    const stream = `order-${index}`;
    if (typeof expected === "bigint") await client.append(stream, Expected.noStream, numbered(1));
    const events = numbered(3);
    const first = await client.append(stream, expected, events);
    assert.equal(first.deduplicated, false);
    assert.deepEqual(await client.append(stream, expected, events), { ...first, deduplicated: true });
  }
  const event = new NewEvent("Once", { a: 1 });
  const { lastPosition } = await client.append("once-1", Expected.any, [event]);
  const other = new NewEvent("Once", { a: 2 }, { id: event.id });
  const error = await refused("EVENT_ID_CONFLICT", client.append("once-1", Expected.any, [other]));
  assert.deepEqual(error.detail, {
    reason: "EVENT_ID_CONFLICT",
    id: event.id,
    stream: "once-1",
    position: lastPosition,
  });
}

export async function appendGuards({ client }: Scene): Promise<void> {
  const seat = { types: ["SeatTaken"], tags: ["course:1"] };
  const taken = (): NewEvent[] => [new NewEvent("SeatTaken", {}, { tags: ["course:1"] })];
  const append = (stream: string, ...guards: Guard[]) => client.append(stream, Expected.any, taken(), { guards });

  await refused("GUARD_NOT_MET", append("seat-1", Guard.someMatch(seat)));
  const { lastPosition } = await append("seat-1", Guard.noneMatch(seat));
  const error = await refused("GUARD_NOT_MET", append("seat-2", Guard.noneMatch("all", 1n), Guard.noneMatch(seat)));
  assert.ok(error.isConflict);
  assert.deepEqual(error.detail, {
    reason: "GUARD_NOT_MET",
    index: 1,
    actual: { kind: "event", position: lastPosition, type: "SeatTaken" },
    head: lastPosition,
  });
  await append("seat-2", Guard.noneMatch(seat, lastPosition), Guard.someMatch(seat));

  const stream = await refused("GUARD_NOT_MET", append("seat-3", Guard.stream("seat-1", Expected.noStream)));
  assert.ok(stream.detail?.reason === "GUARD_NOT_MET" && stream.detail.actual.kind === "stream");
  assert.equal(stream.detail.actual.actual, 0n);
  await append("seat-3", Guard.stream("seat-1", Expected.revision(0n)), Guard.checkpoint("mailer"));

  await client.checkpoints.set("mailer", 2n);
  const checkpoint = await refused("GUARD_NOT_MET", append("seat-4", Guard.checkpoint("mailer", 1n)));
  assert.ok(checkpoint.detail?.reason === "GUARD_NOT_MET");
  assert.deepEqual(checkpoint.detail.actual, { kind: "checkpoint", name: "mailer", expected: 1n, actual: 2n });
  await append("seat-4", Guard.checkpoint("mailer", 2n));
  await refused("BEYOND_END", append("seat-5", Guard.noneMatch(seat, 1_000n)));
}

export async function transact({ client }: Scene): Promise<void> {
  await client.append("account-1", Expected.noStream, numbered(1));
  const appends = [
    { stream: "account-1", expected: Expected.revision(0n), events: numbered(2) },
    { stream: "account-2", expected: Expected.noStream, events: numbered(1) },
  ];
  const transaction = { appends, checkpoints: [{ name: "transfers", position: 1n }] };
  const done = await client.transact(transaction);
  assert.deepEqual([done.firstPosition, done.lastPosition, done.deduplicated], [2n, 4n, false]);
  assert.deepEqual(
    done.appends.map((it) => it.lastRevision),
    [2n, 0n],
  );
  assert.equal((await client.checkpoints.get("transfers"))?.position, 1n);
  assert.equal((await client.transact(transaction)).deduplicated, true);

  const moved = { stream: "account-3", events: numbered(1) };
  const back = { appends: [moved], checkpoints: [{ name: "transfers", position: 1n }] };
  const error = await refused("WRONG_CHECKPOINT", client.transact(back));
  assert.ok(error.isConflict);
  assert.deepEqual(error.detail, { reason: "WRONG_CHECKPOINT", name: "transfers", expected: 1n, actual: 1n });
  const guards = [Guard.noneMatch("all")];
  await refused("GUARD_NOT_MET", client.transact({ appends: [moved], guards }));
  const wrong = { stream: "account-1", expected: Expected.noStream, events: numbered(1) };
  await refused("WRONG_EXPECTED_REVISION", client.transact({ appends: [moved, wrong] }));
  assert.equal(await client.streams.get("account-3"), undefined);
  assert.equal((await client.serverInfo()).head, 4n);
}

/** Appends go on while the server is killed and comes back; each is there once, in its order. */
export async function appendResume({ client, server }: Scene): Promise<void> {
  const count = 300;
  const appending = (async () => {
    for (const number of upTo(count)) {
      const expected = number === 0 ? Expected.noStream : Expected.revision(BigInt(number - 1));
      await client.append("order-1", expected, [new NewEvent("Numbered", { number })]);
      if (number === 50 || number === 150) void server.killAndRestart();
    }
  })();
  const unordered = Promise.all(
    upTo(50).map((number) => client.append("many-1", Expected.any, [new NewEvent("Numbered", { number })])),
  );
  await Promise.all([appending, unordered]);
  assert.deepEqual((await client.readStream("order-1").toArray()).map(numberOf), upTo(count));
  const many = (await client.readStream("many-1").toArray()).map(numberOf);
  assert.deepEqual(
    many.sort((a, b) => a - b),
    upTo(50),
  );

  // A session does not go on by itself: what it had no answer for is appended again, with the same events.
  const events = upTo(2_000).map((number) => new NewEvent("Numbered", { number }));
  await using session = client.appendSession();
  const answers = events.map((event) => session.append("session-1", Expected.any, [event]));
  const outcomes = Promise.allSettled(answers);
  await answers[0];
  await server.killAndRestart();
  for (const outcome of await outcomes) {
    if (outcome.status === "rejected") assert.equal((outcome.reason as QuipuError).isRetryable, true);
  }
  await using second = client.appendSession();
  const repeats = await Promise.all(events.map((event) => second.append("session-1", Expected.any, [event])));
  assert.ok(repeats[0]?.deduplicated);
  const session1 = (await client.readStream("session-1").toArray()).map(numberOf);
  assert.deepEqual(session1, upTo(2_000));
}
