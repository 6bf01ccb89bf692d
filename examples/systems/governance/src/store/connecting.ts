/**
 * The connection of every process: one that waits for a server that is away, however long it takes.
 */
import { Client, RetryPolicy } from "quipu-client";

/** A client of the server at `ADDRESS`. Warnings of tries that fail are told by the metrics, not line by line. */
export function connect(address: string): Client {
  return Client.lazy(address, {
    retry: { ...RetryPolicy.forever, maxBackoffMs: 250 },
    logger: { debug: () => undefined, warn: () => undefined },
  });
}
