/**
 * Consumer groups.
 */
import assert from "node:assert/strict";

import type { Delivery, Member } from "../src/index.js";
import { Expected } from "../src/index.js";
import type { Scene } from "./scene.js";
import { numbered, numberOf, refused, until, upTo, within } from "./scene.js";

/** The next so many deliveries of a member, which stays one. */
async function next(deliveries: AsyncIterator<Delivery>, count: number): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  while (taken.length < count) {
    const delivery = await within(`delivery ${taken.length + 1} of ${count}`, deliveries.next());
    if (delivery.done === true) break;
    taken.push(delivery.value);
  }
  return taken;
}

const begin = (member: Member): AsyncIterator<Delivery> => member[Symbol.asyncIterator]();
const numbers = (deliveries: readonly Delivery[]): number[] => deliveries.map(({ event }) => numberOf(event));

export async function groupOrder({ client, server }: Scene): Promise<void> {
  const [streams, each] = [5, 20];
  for (const stream of upTo(streams)) await client.append(`order-${stream}`, Expected.any, numbered(each));
  const group = await client.consumers.create("mailer", { query: { categories: ["order"] } });
  assert.deepEqual([group.name, group.settings.order, group.settings.maxTries], ["mailer", "byStream", 10]);

  const seen = new Map<string, number[]>();
  const settled = new Set<bigint>();
  const work = async (count: number): Promise<void> => {
    const member = client.consumers.consume("mailer", "one");
    const deliveries = begin(member);
    const inHand = await next(deliveries, streams);
    assert.equal(new Set(inHand.map(({ event }) => event.stream)).size, streams, "streams go on side by side");
    for (let left = count; left > 0; left -= 1) {
      const [delivery] = inHand.length > 0 ? inHand.splice(0, 1) : await next(deliveries, 1);
      assert.ok(delivery !== undefined);
      const { event } = delivery;
      assert.ok(!settled.has(event.position), "what is acknowledged does not come again");
      seen.set(event.stream, [...(seen.get(event.stream) ?? []), numberOf(event)]);
      assert.equal(await within("an answer", member.ack(event.position)), "settled");
      settled.add(event.position);
    }
    await member.close();
  };
  await work(40);
  await server.killAndRestart();
  await work(streams * each - 40);
  for (const [stream, order] of seen) assert.deepEqual(order, upTo(each), stream);
  assert.equal(seen.size, streams);
  const after = await client.consumers.get("mailer");
  assert.deepEqual([after?.settledPosition, after?.outstanding], [BigInt(streams * each), 0n]);

  await client.consumers.create("tags", { order: { byTagKey: "customer" }, from: { after: 90n } });
  await client.consumers.create("anyhow", { order: "unordered", from: "end" });
  await client.append("order-0", Expected.any, numbered(6));
  await using unordered = client.consumers.consume("anyhow", "one");
  assert.deepEqual(numbers(await next(begin(unordered), 6)), upTo(6));
}

/** An event that always fails is parked, the others pass it; replayed, it is delivered once more. */
export async function groupPark({ client }: Scene): Promise<void> {
  await client.append("order-1", Expected.any, numbered(5));
  await client.append("order-2", Expected.any, numbered(5, "Numbered", 10));
  await client.consumers.create("mailer", { maxTries: 3, backoffMs: 5 });
  const handled: number[] = [];
  let isFixed = false;
  const work = async (count: number): Promise<number[]> => {
    const tries: number[] = [];
    const member = client.consumers.consume("mailer", "one");
    for await (const { event, tryNumber } of member) {
      const number = numberOf(event);
      if (number === 2 && !isFixed) {
        tries.push(tryNumber);
        await member.nack({ position: event.position, reason: "TypeError: number 2", delayMs: 10 });
        continue;
      }
      handled.push(number);
      assert.equal(await member.ack(event.position), "settled");
      if (handled.length === count) break;
    }
    return tries;
  };
  assert.deepEqual(await within("all but one", work(9)), [1, 2, 3]);
  assert.deepEqual(
    handled.filter((number) => number < 10),
    [0, 1, 3, 4],
  );
  assert.deepEqual(
    handled.filter((number) => number >= 10),
    [10, 11, 12, 13, 14],
  );

  const [parked, ...others] = await client.consumers.listParked("mailer").toArray();
  assert.ok(parked !== undefined && others.length === 0);
  assert.deepEqual([numberOf(parked.event), parked.reason, parked.tries], [2, "TypeError: number 2", 3]);
  assert.equal((await client.consumers.get("mailer"))?.parked, 1n);

  isFixed = true;
  assert.equal(await client.consumers.replayParked("mailer", { positions: [parked.event.position] }), 1n);
  await within("the replay", work(10));
  assert.equal(handled.filter((number) => number === 2).length, 1);
  const group = await client.consumers.get("mailer");
  assert.deepEqual([group?.parked, group?.outstanding, group?.settledPosition], [0n, 0n, 10n]);
  await refused("NOT_PARKED", client.consumers.replayParked("mailer", { positions: [parked.event.position] }));
}

export async function groupMembers(scene: Scene): Promise<void> {
  const [one, other] = [await scene.connect(), await scene.connect()];
  for (const stream of upTo(10)) await one.append(`order-${stream}`, Expected.any, numbered(1));
  await one.consumers.create("mailer");
  const first = one.consumers.consume("mailer", "one", { credits: 4 });
  const held = await next(begin(first), 4);
  const second = other.consumers.consume("mailer", "other", { credits: 10 });
  const deliveries = begin(second);
  const rest = await next(deliveries, 6);
  const positions = [...held, ...rest].map(({ event }) => Number(event.position));
  assert.deepEqual(
    positions.sort((a, b) => a - b),
    upTo(11).slice(1),
    "each event goes to one member",
  );
  const group = await one.consumers.get("mailer");
  assert.deepEqual(
    group?.members.map(({ name, credits, inFlight }) => [name, credits, inFlight]),
    [
      ["one", 4, 4],
      ["other", 10, 6],
    ],
  );
  await refused("MEMBER_EXISTS", next(begin(other.consumers.consume("mailer", "one")), 1));
  for (const { event } of rest) assert.equal(await second.ack(event.position), "settled");

  await first.close();
  const again = await next(deliveries, 4);
  const sorted = (list: readonly Delivery[]): string[] => list.map(({ event }) => event.id).sort();
  assert.deepEqual(sorted(again), sorted(held));
  for (const { event, tryNumber } of again) {
    assert.ok(tryNumber > 1);
    assert.equal(await second.ack(event.position), "settled");
  }
  second.finish();
  assert.equal((await within("the end of the call", deliveries.next())).done, true);
}

export async function groupFetch({ client }: Scene): Promise<void> {
  for (const stream of upTo(6)) await client.append(`order-${stream}`, Expected.any, numbered(1));
  await client.consumers.create("mailer", { backoffMs: 1, maxTries: 5 });
  const fetch = (max: number, timeoutMs = 20_000): Promise<Delivery[]> =>
    client.consumers.fetch("mailer", "one", { max, timeoutMs });
  const fetched = await fetch(4);
  assert.equal(fetched.length, 4);
  const [a, b, c, d] = fetched.map(({ event }) => event.position);
  assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
  const outcomes = await client.consumers.ack("mailer", "one", {
    ack: [a, 999n],
    nack: [
      { position: b, action: "skip", reason: "not for us" },
      { position: c, action: "park", reason: "odd" },
      { position: d, action: "retry", delayMs: 1 },
    ],
  });
  assert.deepEqual(Object.fromEntries(outcomes), {
    [String(a)]: "settled",
    [String(b)]: "settled",
    [String(c)]: "settled",
    [String(d)]: "settled",
    999: "notDelivered",
  });
  const left = new Map<bigint, number>();
  while (left.size < 3) {
    for (const { event, tryNumber } of await fetch(10)) left.set(event.position, tryNumber);
  }
  assert.equal(left.get(d), 2);
  await client.consumers.ack("mailer", "one", { ack: [...left.keys()] });
  assert.deepEqual(await fetch(1, 0), []);
  const waiting = fetch(1);
  const { lastPosition } = await client.append("order-9", Expected.any, numbered(1));
  assert.deepEqual(
    (await waiting).map(({ event }) => event.position),
    [lastPosition],
  );
  const [parked] = await client.consumers.listParked("mailer", { pageSize: 1 }).toArray();
  assert.deepEqual([parked?.event.position, parked?.reason], [c, "odd"]);
  assert.equal(await client.consumers.discardParked("mailer"), 1n);
  const counts = (await client.consumers.get("mailer"))?.counts;
  assert.deepEqual([counts?.acknowledged, counts?.skipped, counts?.parked], [4n, 1n, 1n]);
}

export async function groupErrors({ client }: Scene): Promise<void> {
  const { consumers } = client;
  const { lastPosition } = await client.append("order-1", Expected.any, numbered(2));
  assert.equal(await consumers.get("nobody"), undefined);
  const unknown = {
    "update": () => consumers.update("nobody", {}),
    "delete": () => consumers.delete("nobody"),
    "pause": () => consumers.pause("nobody"),
    "resume": () => consumers.resume("nobody"),
    "reset": () => consumers.reset("nobody", "start"),
    "consume": () => next(begin(consumers.consume("nobody", "one")), 1),
    "fetch": () => consumers.fetch("nobody", "one", { timeoutMs: 0 }),
    "ack": () => consumers.ack("nobody", "one", { ack: [1n] }),
    "list parked": () => consumers.listParked("nobody").toArray(),
    "replay": () => consumers.replayParked("nobody"),
    "discard": () => consumers.discardParked("nobody"),
  };
  for (const attempt of Object.values(unknown)) await refused("GROUP_NOT_FOUND", attempt());
  const bad = [
    () => consumers.create("bad", { query: [] }),
    () => consumers.create("", {}),
    () => consumers.create("$mine", {}),
    () => consumers.create("bad", { ackTimeoutMs: 1 }),
  ];
  for (const attempt of bad) await refused("INVALID_ARGUMENT", attempt());
  await refused("LIMIT_EXCEEDED", consumers.create("bad", { maxTries: 1_001 }));

  await consumers.create("mailer", { maxTries: 3 });
  await consumers.create("mailer", { maxTries: 3 });
  await refused("GROUP_EXISTS", consumers.create("mailer", { maxTries: 4 }));
  assert.equal((await consumers.update("mailer", { maxTries: 4 })).settings.maxTries, 4);
  await refused("GROUP_EXISTS", consumers.update("mailer", { query: { types: ["A"] } }));
  assert.deepEqual(
    (await consumers.list({ prefix: "mail" }).toArray()).map((group) => group.name),
    ["mailer"],
  );

  const member = consumers.consume("mailer", "one");
  const [delivery] = await next(begin(member), 1);
  assert.ok(delivery !== undefined);
  assert.equal(await member.ack(lastPosition), "notDelivered");
  assert.equal(await member.ack(99n), "notDelivered");
  const { position } = delivery.event;
  assert.equal(await member.ack(position), "settled");
  assert.equal(await member.ack(position), "alreadySettled");
  assert.equal(await member.nack({ position, action: "park" }), "alreadySettled");
  await member.close();
  assert.equal(await member.ack(position), "unknown");
  await refused("NOT_PARKED", consumers.replayParked("mailer", { positions: [position] }));
  await refused("NOT_PARKED", consumers.discardParked("mailer", { positions: [position] }));

  await consumers.pause("mailer");
  assert.equal((await consumers.get("mailer"))?.isPaused, true);
  assert.deepEqual(await consumers.fetch("mailer", "two", { timeoutMs: 0 }), []);
  await consumers.resume("mailer");
  assert.equal(await consumers.reset("mailer", { after: 1n }), 1n);
  await refused("BEYOND_END", consumers.reset("mailer", { after: 99n }));
  const ended = refused("GROUP_NOT_FOUND", next(begin(consumers.consume("mailer", "three")), 2));
  await until("the member has joined", async () => ((await consumers.get("mailer"))?.members.length ?? 0) > 0);
  await consumers.delete("mailer");
  await ended;
}
