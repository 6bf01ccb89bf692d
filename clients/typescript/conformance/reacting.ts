/**
 * Reactors.
 */
import assert from "node:assert/strict";

import type { RecordedEvent } from "../src/index.js";
import { Expected, NewEvent, Park, Reactor, Skip } from "../src/index.js";
import type { Scene } from "./scene.js";
import { deferred, numbered, numberOf, refused, until, upTo, within } from "./scene.js";

const GROUP = { query: { categories: ["order"] }, backoffMs: 5, maxTries: 4 };

export async function reactor(scene: Scene): Promise<void> {
  await severalHandlers(scene);
  await gracefulStop(scene);
  await overAKill(scene);
}

/** Handlers by type and version; retries, parking and skipping; what the metrics say of it. */
async function severalHandlers(scene: Scene): Promise<void> {
  const { client } = scene;
  await client.append("order-1", Expected.any, [
    ...numbered(3, "Placed"),
    new NewEvent("Placed", { number: 3 }, { schemaVersion: "2.1" }),
    new NewEvent("Odd"),
    new NewEvent("Boring"),
    new NewEvent("Unknown"),
    new NewEvent("Hopeless"),
    ...numbered(1, "Last"),
  ]);
  const calls: string[] = [];
  const last = deferred();
  let failures = 2;
  const note = (name: string) => (event: RecordedEvent) => void calls.push(`${name} ${numberOf(event)}`);
  const mailer = new Reactor(client, "mailer", { group: GROUP, member: "one", concurrency: 4 })
    .on("Placed", note("first"))
    .on("Placed", (event, { tryNumber }) => {
      if (numberOf(event) === 1 && failures > 0) {
        failures -= 1;
        throw new TypeError(`try ${tryNumber}`);
      }
      calls.push(`second ${numberOf(event)}`);
    })
    .on("Placed", "2", note("major"))
    .on("Odd", () => {
      throw new Park("too odd");
    })
    .on("Boring", () => {
      throw new Skip("who cares");
    })
    .on("Hopeless", () => {
      throw new RangeError("never");
    })
    .on("Last", () => last.resolve());
  const running = mailer.run();
  await within("the last event", Promise.race([last.promise, running]));
  await until("everything is settled", async () => (await client.consumers.get("mailer"))?.outstanding === 0n);
  await refused("MEMBER_EXISTS", new Reactor(client, "mailer", { member: "one" }).run());
  await within("the stop", mailer.stop());
  await running;
  assert.deepEqual(calls, ["first 0", "second 0", "first 1", "second 1", "first 2", "second 2", "major 3"]);
  const { handled, failed, parked, skipped, unhandled, inFlight, handlerTime } = mailer.metrics;
  assert.deepEqual(
    { handled, failed, parked, skipped, unhandled, inFlight },
    {
      handled: 5,
      failed: 6,
      parked: 1,
      skipped: 1,
      unhandled: 1,
      inFlight: 0,
    },
  );
  assert.equal(handlerTime["Placed"]?.count, 9);
  assert.ok(handlerTime["Placed"].maxMs <= handlerTime["Placed"].sumMs);
  const reasons = (await client.consumers.listParked("mailer").toArray()).map(({ reason, tries }) => [reason, tries]);
  assert.deepEqual(reasons, [
    ["too odd", 1],
    ["RangeError: never", 4],
  ]);
  assert.equal((await client.consumers.get("mailer"))?.members.length, 0);
}

/** A stop finishes what is in hand, takes nothing new, and gives up what takes too long. */
async function gracefulStop({ client }: Scene): Promise<void> {
  const group = { query: { categories: ["slow"] } };
  for (const stream of upTo(6)) await client.append(`slow-${stream}`, Expected.any, numbered(2));
  const gate = deferred();
  let begun = 0;
  const slow = new Reactor(client, "slow", { group, concurrency: 3 }).on("Numbered", async () => {
    begun += 1;
    await gate.promise;
  });
  const running = slow.run();
  await until("three are in hand", () => slow.metrics.inFlight === 3);
  const stopping = slow.stop();
  gate.resolve();
  await within("the stop", stopping);
  await running;
  assert.deepEqual([begun, slow.metrics.handled, slow.metrics.inFlight], [3, 3, 0]);
  assert.equal((await client.consumers.get("slow"))?.counts.acknowledged, 3n);

  const early = new Reactor(client, "slow", { stopTimeoutMs: 3_600_000 });
  const earlyRun = early.run();
  await within("a stop at once", early.stop());
  await earlyRun;

  const stuck = new Reactor(client, "slow", { concurrency: 1, stopTimeoutMs: 20 });
  let isTold = false;
  stuck.on("Numbered", async (_, { signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    isTold = true;
  });
  const controller = new AbortController();
  const stuckRun = stuck.run({ signal: controller.signal });
  await until("one is in hand", () => stuck.metrics.inFlight === 1);
  controller.abort();
  await within("a stop that gives up", stuckRun);
  await until("the handler is told", () => isTold);
}

/** Each event is handled at least once, and a handler that succeeded is not called again, over kills of the server. */
async function overAKill(scene: Scene): Promise<void> {
  const { client, server } = scene;
  const count = 200;
  const group = { query: { categories: ["kill"] } };
  const calls = new Map<bigint, number>();
  const seen: number[] = [];
  const killer = new Reactor(client, "killer", { group, concurrency: 8 }).on("Numbered", async (event) => {
    calls.set(event.position, (calls.get(event.position) ?? 0) + 1);
    seen.push(numberOf(event));
    await new Promise((resolve) => setImmediate(resolve));
  });
  const running = killer.run();
  for (const number of upTo(count)) {
    const event = new NewEvent("Numbered", { number });
    await client.append(`kill-${number % 7}`, Expected.any, [event]);
    if (number === 60 || number === 130) await server.killAndRestart();
  }
  await until("all are settled", async () => {
    const state = await client.consumers.get("killer");
    return state?.settledPosition === state?.head;
  });
  await within("the stop", killer.stop());
  await running;
  assert.equal(calls.size, count);
  assert.deepEqual(
    [...new Set(seen)].sort((a, b) => a - b),
    upTo(count),
  );
  assert.deepEqual(
    [...calls.values()].filter((times) => times > 1),
    [],
    "this process remembers what it has handled",
  );
}
