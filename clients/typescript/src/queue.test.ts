/**
 * What waits comes in order, and ends as it is told to.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Queue } from "./queue.js";

async function all<T>(queue: Queue<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const thing of queue) taken.push(thing);
  return taken;
}

test("what was put in before and during the walk comes in order, up to the end", async () => {
  const queue = new Queue<number>();
  queue.put(1);
  queue.put(2);
  const taken = all(queue);
  queue.put(3);
  await new Promise((resolve) => setImmediate(resolve));
  queue.put(4);
  queue.end();
  queue.put(5);
  assert.deepEqual(await taken, [1, 2, 3, 4]);
});

test("a failure makes void what is there", async () => {
  const queue = new Queue<number>();
  queue.put(1);
  queue.fail(new RangeError("gone"));
  queue.end();
  await assert.rejects(all(queue), RangeError);
});

test("a failure after the end changes nothing", async () => {
  const queue = new Queue<number>();
  queue.put(1);
  queue.end();
  queue.fail(new RangeError("gone"));
  assert.deepEqual(await all(queue), [1]);
});
