/**
 * Whether reactors have done what they are for, each thing once.
 */
import type { Client, RecordedEvent } from "quipu-client";

import { aggregateOf } from "../src/events/domain-event.js";
import { deadLetters } from "../src/reactors/dead-letters.js";
import type { Channel } from "../src/reactors/outbox.js";
import { Outbox } from "../src/reactors/outbox.js";
import type { AttachmentReading } from "../src/reactors/personal-data.js";
import { TRIES } from "../src/reactors/subscriber.js";

/** Messages that are missing, too many or sent twice, in words. `ought` are the ids of the events they are about. */
async function wrongMessages(outbox: Outbox, channel: Channel, ought: readonly string[]): Promise<string[]> {
  const sent = await outbox.sent(channel);
  const missing = ought.filter((id) => !sent.includes(id)).map((id) => `${channel} were not told of ${id}`);
  const tooMany = sent.filter((id) => !ought.includes(id)).map((id) => `${channel} were told of ${id}`);
  const twice = sent.filter((id, index) => sent.indexOf(id) !== index).map((id) => `${channel} heard twice of ${id}`);
  return [...missing, ...tooMany, ...twice];
}

/** What is wrong. A screening that is `strict` must have parked every memory with a damaged attachment. */
export async function wrongEffects(client: Client, folder: string, reading: AttachmentReading): Promise<string[]> {
  const outbox = new Outbox(folder);
  const log = await client.readAll().toArray();
  const stored = log.filter(({ type }) => type === "MemoryStored");
  const isDamaged = (event: RecordedEvent): boolean =>
    event.json<{ content: string }>().content.startsWith("attachment:%");
  const damaged = reading === "strict" ? stored.filter(isDamaged) : [];
  const screened = stored.filter((event) => !damaged.includes(event));
  return [
    ...(await wrongMessages(outbox, "reviewers", idsOf(log, "PolicyProposed"))),
    ...(await wrongMessages(outbox, "owners", idsOf(log, "AgentSuspended"))),
    ...(await wrongMessages(outbox, "officers", idsOf(log, "PolicyViolationDetected"))),
    ...(await wrongMessages(outbox, "recall-index", idsOf(log, "MemoryStored"))),
    ...(await wrongMessages(outbox, "personal-data", idsOf(screened, "MemoryStored"))),
    ...(await wrongDeadLetters(client, idsOf(damaged, "MemoryStored"))),
    ...wrongSuspensions(log),
  ];
}

async function wrongDeadLetters(client: Client, damaged: readonly string[]): Promise<string[]> {
  const letters = await deadLetters(client, "screening");
  const ids = letters.map(({ eventId }) => eventId);
  const others = [...(await deadLetters(client, "notifications")), ...(await deadLetters(client, "compliance"))];
  return [
    ...damaged.filter((id) => !ids.includes(id)).map((id) => `${id} is not parked`),
    ...ids.filter((id) => !damaged.includes(id)).map((id) => `${id} is parked`),
    ...letters.filter(({ reason }) => !reason.includes("no base64")).map(({ reason }) => `parked by ${reason}`),
    ...letters.filter(({ tries }) => tries !== TRIES.maxTries).map(({ tries }) => `parked after ${tries} tries`),
    ...others.map(({ eventId, reason }) => `${eventId} is parked by ${reason}`),
  ];
}

/** Every agent with a critical violation must be suspended once, because of one, or retired. */
function wrongSuspensions(log: readonly RecordedEvent[]): string[] {
  const critical = new Map<string, string>();
  const suspended = new Map<string, string>();
  const retired = new Set<string>();
  const wrong: string[] = [];
  for (const event of log) {
    if (event.type === "PolicyViolationDetected") {
      const { agentId, severity } = event.json<{ agentId: string; severity: string }>();
      if (severity === "critical") critical.set(event.id, agentId);
    } else if (event.type === "AgentSuspended") {
      const { id } = aggregateOf("agent", event.stream);
      if (suspended.has(id)) wrong.push(`agent ${id} is suspended twice`);
      if (critical.get(event.causationId ?? "") !== id) wrong.push(`agent ${id} is suspended for no reason`);
      suspended.set(id, event.id);
    } else if (event.type === "AgentRetired") retired.add(aggregateOf("agent", event.stream).id);
  }
  for (const id of critical.values()) {
    if (!suspended.has(id) && !retired.has(id)) wrong.push(`agent ${id} is at large`);
  }
  return wrong;
}

function idsOf(log: readonly RecordedEvent[], type: string): string[] {
  return log.filter((event) => event.type === type).map(({ id }) => id);
}
