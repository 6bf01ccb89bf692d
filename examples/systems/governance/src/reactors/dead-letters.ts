/**
 * The dead-letter queue of a subscriber: events that its group has parked.
 */
import type { Client } from "quipu-client";

/** An event that could not be dealt with. */
export interface DeadLetter {
  readonly eventId: string;
  readonly position: bigint;
  readonly type: string;
  readonly stream: string;
  /** What the handler said at the last try. */
  readonly reason: string;
  readonly tries: number;
}

/** What a group has parked, in the order of the log. */
export async function deadLetters(client: Client, group: string): Promise<DeadLetter[]> {
  const parked = await client.consumers.listParked(group).toArray();
  return parked.map(({ event, reason, tries }) => ({
    eventId: event.id,
    position: event.position,
    type: event.type,
    stream: event.stream,
    reason,
    tries,
  }));
}

/** Has them all delivered again, once what they failed by is mended; returns how many. */
export async function replayDeadLetters(client: Client, group: string): Promise<bigint> {
  return client.consumers.replayParked(group);
}
