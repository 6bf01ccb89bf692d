/**
 * Aggregates in the store: history, snapshots, batches, the archive, and read models made anew.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

import { differences, documentsOf } from "../scenario/compare.js";
import { expectedOf } from "../scenario/expected.js";
import { activity } from "../src/projections/activity.js";
import { memories } from "../src/projections/memories.js";
import { policies } from "../src/projections/policies.js";
import { archivedEvents, archiveFinished, loadFromArchive } from "../src/store/archive.js";
import { archiveFile, ArchiveDamaged } from "../src/store/archive-file.js";
import type { Observation } from "../src/store/batches.js";
import { recordAll } from "../src/store/batches.js";
import { Repository, SNAPSHOT_EVERY } from "../src/store/repository.js";
import { cause, memory, recalled, Scene, stored } from "./scene.js";

const EXPIRED = { type: "MemoryExpired", payload: { reason: "aged" } } as const;

function recalls(count: number, streams: number): Observation[] {
  return Array.from({ length: count }, (_, index) => ({
    aggregate: memory(`m${index % streams}`),
    fact: recalled(index % 101),
    cause: cause(1_000 + index),
  }));
}

test("an aggregate is loaded from its history, and a wish is decided on it", async () => {
  await using scene = await Scene.begin();
  const repository = new Repository(scene.client);
  await repository.execute(memory("m1"), stored(), cause(1));
  await repository.execute(memory("m1"), recalled(), cause(2));
  assert.deepEqual(await repository.loadFromHistory(memory("m1")), { status: "kept", recalls: 1, absorbed: 0 });
  await assert.rejects(repository.execute(memory("m1"), stored(), cause(3)), /stored before/);
});

test("a large aggregate is loaded from a snapshot, and comes to the same without", async () => {
  await using scene = await Scene.begin();
  const repository = new Repository(scene.client);
  await repository.execute(memory("m1"), stored(), cause(0));
  for (let number = 1; number <= 2 * SNAPSHOT_EVERY; number += 1) {
    await repository.execute(memory("m1"), recalled(), cause(number));
  }
  const revisions = (await scene.client.snapshots.list("memory-m1")).map(({ revision }) => revision);
  assert.deepEqual(revisions, [2n * BigInt(SNAPSHOT_EVERY) - 1n, BigInt(SNAPSHOT_EVERY) - 1n]);
  const behind = scene.client.readStream("memory-m1", { withSnapshot: true });
  assert.equal((await behind.toArray()).length, 1, "what is behind the snapshot is all that is read");
  const state = await repository.load(memory("m1"));
  assert.deepEqual(state, await repository.loadFromHistory(memory("m1")));
  assert.deepEqual(state, { status: "kept", recalls: 2 * SNAPSHOT_EVERY, absorbed: 0 });
});

test("a batch goes in whole, in order within each stream, and once", async () => {
  await using scene = await Scene.begin();
  const batch = recalls(2_000, 10);
  const first = await recordAll(scene.client, batch);
  assert.equal(first.size, 10);
  const again = await recordAll(scene.client, batch);
  assert.ok([...again.values()].every(({ deduplicated }) => deduplicated));
  const events = await scene.client.readAll().toArray();
  assert.equal(events.length, 2_000);
  const relevances = events
    .filter(({ stream }) => stream === "memory-m3")
    .map((event) => event.json<{ relevance: number }>().relevance);
  assert.deepEqual(
    relevances,
    Array.from({ length: 200 }, (_, index) => (10 * index + 3) % 101),
  );
});

test("a batch that meets a server that is killed goes in once", async () => {
  await using scene = await Scene.begin();
  const batches = Array.from({ length: 20 }, (_, index) => recalls(2_000, 10).slice(index * 100, index * 100 + 100));
  const recording = Promise.all(batches.map((batch) => recordAll(scene.client, batch)));
  await scene.server.kill();
  await scene.server.start();
  await recording;
  assert.equal((await scene.client.readAll().toArray()).length, 2_000);
});

test("finished streams are archived, truncated, and read back", async () => {
  await using scene = await Scene.begin();
  const { client, place } = scene;
  const repository = new Repository(client);
  await scene.append(memory("over"), stored(), recalled(), recalled(), EXPIRED);
  await scene.append(memory("kept"), stored(), recalled());
  const events = await client.readStream("memory-over").toArray();
  const state = await repository.load(memory("over"));

  const early = new Date(events[0]?.recordedAt.getTime() ?? 0);
  assert.deepEqual(await archiveFinished(client, place.archive, early), [], "it is not old enough");
  const later = new Date(Date.now() + 1_000);
  assert.deepEqual(await archiveFinished(client, place.archive, later), [{ stream: "memory-over", events: 4 }]);
  assert.deepEqual(await archiveFinished(client, place.archive, later), [], "it is in the archive");

  const left = await client.readStream("memory-over").toArray();
  assert.deepEqual(
    left.map(({ type }) => type),
    ["MemoryExpired"],
  );
  assert.equal((await client.readStream("memory-kept").toArray()).length, 2);
  const archived = await archivedEvents(client, place.archive, memory("over"));
  assert.deepEqual(
    archived.map(({ id, data }) => ({ id, data })),
    events.map((event) => ({ id: event.id, data: event.json() })),
  );
  assert.deepEqual(await loadFromArchive(client, place.archive, memory("over")), state);
  assert.deepEqual(await repository.load(memory("over")), state, "the last state is a snapshot");
});

test("an archive that is damaged is not taken for the history", async () => {
  await using scene = await Scene.begin();
  const { client, place } = scene;
  await scene.append(memory("over"), stored(), recalled(), EXPIRED);
  await archiveFinished(client, place.archive, new Date(Date.now() + 1_000));
  const path = archiveFile(place.archive, "memory-over");
  const whole = await readFile(path, "utf8");
  await writeFile(path, whole.split("\n").slice(1).join("\n"));
  await assert.rejects(archivedEvents(client, place.archive, memory("over")), ArchiveDamaged);
  await writeFile(path, whole);
  assert.equal((await archivedEvents(client, place.archive, memory("over"))).length, 3);
  await appendFile(path, " ");
  await assert.rejects(archivedEvents(client, place.archive, memory("over")), ArchiveDamaged);
});

test("a file of the archive can be imported into another store", async () => {
  await using scene = await Scene.begin();
  await scene.append(memory("over"), stored(), recalled(), EXPIRED);
  await archiveFinished(scene.client, scene.place.archive, new Date(Date.now() + 1_000));
  await using other = await Scene.begin();
  const { command, env } = other.server.program;
  const endpoint = `http://${other.place.address}`;
  const file = archiveFile(scene.place.archive, "memory-over");
  await promisify(execFile)(command, ["import", "--endpoint", endpoint, file], { env });
  const state = { status: "expired", recalls: 1, absorbed: 0 };
  assert.deepEqual(await new Repository(other.client).loadFromHistory(memory("over")), state);
});

test("read models made anew are the same, also of streams that were archived", async () => {
  await using scene = await Scene.begin();
  const { client, place } = scene;
  await scene.append(memory("over"), stored(), recalled(70), EXPIRED);
  await scene.append({ type: "user", id: "ada" }, { type: "UserRegistered", payload: { name: "Ada", email: "a@b.c" } });
  const projections = [policies(), memories(), activity()];
  for (const projection of projections) assert.equal(await projection.projector(client).rebuild(), 1n);
  const before = await documentsOf(client);
  assert.deepEqual(differences(before, expectedOf(await client.readAll().toArray())), []);
  assert.equal(before.size, 4);
  await archiveFinished(client, place.archive, new Date(Date.now() + 1_000));
  for (const projection of projections) assert.equal(await projection.projector(client).rebuild(), 2n);
  assert.deepEqual(differences(await documentsOf(client), before), []);
});

test("a difference of documents is found", () => {
  assert.deepEqual(differences(new Map([["a", { x: 1, y: 2 }]]), new Map([["a", { y: 2, x: 1 }]])), []);
  const found = differences(new Map([["a", { x: 1 }]]), new Map([["b", { x: 1 }]]));
  assert.deepEqual(found, ['a is {"x":1} and not missing', 'b is missing and not {"x":1}']);
});
