/**
 * A projector that counts events by customer.
 *
 * As a program of its own, with the server's address as argument, it is what the scenario `projector` kills.
 */
import { pathToFileURL } from "node:url";

import { Client, Projector } from "../src/index.js";

/** Counts in small batches, so that there are many writes to be killed between. */
export function countingProjector(client: Client): Projector {
  return new Projector(client, "counts", { batchSize: 7 }).on("Counted", async (event, tx) => {
    const id = String(event.json<{ customer: number }>().customer);
    const before = (await tx.get<{ events: number }>("customer", id))?.events ?? 0;
    tx.upsert("customer", id, { events: before + 1 });
  });
}

const [, program, address] = process.argv;
if (program !== undefined && address !== undefined && import.meta.url === pathToFileURL(program).href) {
  await countingProjector(await Client.connect(address)).run();
}
