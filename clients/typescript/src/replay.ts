/**
 * Going over the log again, in batches.
 *
 * Owns the replay: batches to a handler, a checkpoint after each. It can be stopped, or killed, at any moment and goes
 * on behind its checkpoint; a batch that was handled and whose checkpoint was not set comes again.
 */
import type { Client } from "./client.js";
import type { Cancellable } from "./connection.js";
import type { Query } from "./query.js";
import type { RecordedEvent } from "./recorded.js";
import type { LogStart } from "./subscribe.js";

/** What deals with a batch of events, in the order of the log. */
export type ReplayHandler = (events: readonly RecordedEvent[]) => Promise<void> | void;

/** How to replay. */
export interface ReplayOptions extends Cancellable {
  /** Only events that match. */
  readonly query?: Query | undefined;
  /** Where to begin when there is no checkpoint yet; at the start by default. */
  readonly from?: Exclude<LogStart, "end"> | undefined;
  /** At most so many events in a batch; 100 by default. */
  readonly batchSize?: number | undefined;
  /** Goes on with what comes, until the signal is aborted. */
  readonly follow?: boolean | undefined;
}

/** @internal Returns the position up to which everything was dealt with. */
export async function replay(
  client: Client,
  name: string,
  handler: ReplayHandler,
  options: ReplayOptions,
): Promise<bigint> {
  const { query, signal, batchSize = 100, follow = false } = options;
  const checkpoint = await client.checkpoints.get(name, { signal });
  const { head } = await client.serverInfo({ signal });
  let done = checkpoint?.position;
  let batch: RecordedEvent[] = [];

  /** Hands over what is in the batch, and notes that everything up to `position` is dealt with. */
  const settle = async (position: bigint): Promise<void> => {
    if (batch.length > 0) await handler(batch);
    batch = [];
    if (done !== undefined && position <= done) return;
    await client.checkpoints.set(name, position, { expected: done ?? "none", signal });
    done = position;
  };

  if (!follow && (done ?? 0n) >= head) return done ?? 0n;
  const from = done === undefined ? options.from : { after: done };
  await using events = client.subscribeAll({ from, query, signal });
  let isLive = false;
  for await (const message of events.messages()) {
    if (message.kind === "reconnected") continue;
    if (message.kind === "events") {
      for (const event of message.events) {
        if (!follow && event.position > head) {
          await settle(head);
          return head;
        }
        batch.push(event);
        if (batch.length >= batchSize) await settle(event.position);
      }
      const last = message.events.at(-1);
      if (isLive && last !== undefined) await settle(last.position);
      continue;
    }
    isLive = message.kind === "fellBehind" ? false : isLive || message.kind === "caughtUp";
    if (isLive) await settle(message.position);
    if (!follow && message.position >= head) {
      await settle(head);
      return head;
    }
  }
  return done ?? 0n;
}
