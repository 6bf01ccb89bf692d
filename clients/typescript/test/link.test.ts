/**
 * Connections to servers that do not answer.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { heardUntil, numbered, take, within } from "../conformance/scene.js";
import { Server } from "../conformance/server.js";
import type { ClientOptions, SubscribeAllOptions } from "../src/index.js";
import { Client, Code, Expected } from "../src/index.js";

/** Follows a server that stops answering and comes back, and must notice both. */
async function hangs(options: ClientOptions, following: SubscribeAllOptions): Promise<void> {
  await using server = await Server.start();
  await using client = await Client.connect(server.address, options);
  await client.append("order-1", Expected.any, numbered(1));
  const subscription = await client.subscribeAll({ ...following, from: "end" }).ready();
  const heard = heardUntil(subscription, "reconnected");
  server.suspend();
  await using impatient = Client.lazy(server.address, { timeoutMs: 100 });
  const late = impatient.append("order-1", Expected.any, numbered(1));
  await assert.rejects(late, { code: Code.DeadlineExceeded, isRetryable: false });
  server.resume();
  await within("the reconnection", heard);
  const again = await client.subscribeAll({ from: { after: 1n } }).ready();
  await client.append("order-1", Expected.any, numbered(1));
  assert.equal((await within("the events", take(again, 1))).length, 1);
}

test("a server that answers no ping is given up and connected to again", async () => {
  await hangs({ keepAliveIntervalMs: 20, keepAliveTimeoutMs: 30 }, {});
});

test("a server that is silent for too long is given up and connected to again", async () => {
  await hangs({}, { silenceMs: 60 });
});

test("a connection that is not made in time fails as unavailable", async () => {
  const deaf = createServer(() => undefined);
  await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
  const { port } = deaf.address() as AddressInfo;
  const connecting = Client.connect(`https://127.0.0.1:${port}`, { connectTimeoutMs: 50 });
  await assert.rejects(connecting, { code: Code.Unavailable, message: /cannot connect/ });
  deaf.close();
});

test("a process with an idle client may end", async () => {
  await using server = await Server.start();
  const library = pathToFileURL(join(import.meta.dirname, "../src/index.js")).href;
  const program = `
    import { Client } from ${JSON.stringify(library)};
    const client = await Client.connect(${JSON.stringify(server.address)});
    console.log((await client.serverInfo()).tenant);`;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { timeout: 20_000 });
  assert.equal((await run).stdout, "default\n");
});

test("a client that is closed refuses calls and ends what runs", async () => {
  await using server = await Server.start();
  const client = await Client.connect(server.address);
  const subscription = await client.subscribeAll().ready();
  const walk = take(subscription, 1);
  client.close();
  await assert.rejects(within("the subscription", walk), /the client is closed/);
  await assert.rejects(client.serverInfo(), /the client is closed/);
});
