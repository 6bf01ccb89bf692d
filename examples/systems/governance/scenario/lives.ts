/**
 * The lives of users, policies and agents, as wishes in their order. Seeded.
 */
import type { Fact } from "../src/events/contracts.js";
import type { AggregateRef } from "../src/events/domain-event.js";
import type { Random } from "./random.js";

/** Something that a user wants to be done, or several things that were observed. */
export interface Wish {
  readonly kind: "command" | "observations";
  readonly on: readonly { readonly aggregate: AggregateRef; readonly fact: Fact }[];
}

/** Wishes about one thing, to be fulfilled in this order. */
export interface Life {
  /** What the wishes are about. */
  readonly key: string;
  readonly userId: string;
  readonly wishes: readonly Wish[];
}

function command(aggregate: AggregateRef, fact: Fact): Wish {
  return { kind: "command", on: [{ aggregate, fact }] };
}

/** Someone registers, before everything else. */
export function registration(id: string): Life {
  const payload = { name: `User ${id}`, email: `${id}@example.com` };
  return {
    key: `user-${id}`,
    userId: id,
    wishes: [command({ type: "user", id }, { type: "UserRegistered", payload })],
  };
}

/** An agent is registered, before everything else. */
export function deployment(id: string, ownerId: string): Life {
  const payload = { name: `Agent ${id}`, ownerId, capabilities: ["search", "summarise"] };
  const wishes = [command({ type: "agent", id }, { type: "AgentRegistered", payload })];
  return { key: `agent-${id}`, userId: ownerId, wishes };
}

/** A user gets roles, and may leave. */
export function career(random: Random, id: string): Life {
  const user: AggregateRef = { type: "user", id };
  const roles = random.shuffled(["reader", "reviewer", "officer", "administrator"] as const).slice(0, 2);
  const wishes = roles.map((role) => command(user, { type: "UserRoleGranted", payload: { role } }));
  if (random.chance(0.3)) wishes.push(command(user, { type: "UserDeactivated", payload: { reason: "left" } }));
  return { key: `user-${id}`, userId: id, wishes };
}

/** A policy is proposed, reviewed and settled, and if it comes into force it is violated and perhaps retired. */
export function policyLife(random: Random, id: string, userIds: readonly string[], agentIds: readonly string[]): Life {
  const policy: AggregateRef = { type: "policy", id };
  const userId = random.pick(userIds);
  const area = random.pick(["privacy", "safety", "finance", "access"] as const);
  const proposal = { title: `Policy ${id}`, area, wording: `Agents respect the ${area} of everyone.` };
  const wishes = [command(policy, { type: "PolicyProposed", payload: proposal })];
  if (random.chance(0.1)) {
    wishes.push(command(policy, { type: "PolicyRejected", payload: { reason: "withdrawn" } }));
    return { key: `policy-${id}`, userId, wishes };
  }
  // Of five reviewers, three agree; who comes after them is refused.
  for (const reviewer of random.shuffled(userIds).slice(0, 5)) {
    const verdict = random.chance(0.8) ? "support" : "object";
    wishes.push(
      command(policy, { type: "PolicyReviewed", payload: { reviewer, verdict, comment: `I ${verdict} it` } }),
    );
  }
  for (let violation = random.between(0, 6); violation > 0; violation -= 1) {
    const severity = random.chance(0.06) ? ("critical" as const) : random.pick(["low", "high"] as const);
    const payload = { agentId: random.pick(agentIds), severity, details: `against ${proposal.title}` };
    wishes.push(command(policy, { type: "PolicyViolationDetected", payload }));
  }
  if (random.chance(0.3)) {
    wishes.push(command(policy, { type: "PolicyRetired", payload: { reason: "superseded" } }));
  }
  return { key: `policy-${id}`, userId, wishes };
}

/** An agent works, remembers, recalls and forgets, and may be retired. */
export function agentLife(random: Random, id: string, ownerId: string): Life {
  const agent: AggregateRef = { type: "agent", id };
  const wishes: Wish[] = [];
  const memories: AggregateRef[] = [];
  for (let round = 1; round <= 6; round += 1) {
    const taskId = `${id}.${round}`;
    wishes.push(command(agent, { type: "AgentTaskStarted", payload: { taskId, purpose: "answer a question" } }));
    if (round <= 3) {
      const memory: AggregateRef = { type: "memory", id: taskId };
      const kind = random.pick(["fact", "episode", "preference"] as const);
      wishes.push(command(memory, { type: "MemoryStored", payload: { agentId: id, kind, content: content(random) } }));
      memories.push(memory);
    }
    wishes.push({ kind: "observations", on: recalls(random, id, memories) });
    const outcome = { taskId, succeeded: random.chance(0.9), seconds: random.between(1, 90) };
    wishes.push(command(agent, { type: "AgentTaskCompleted", payload: outcome }));
  }
  for (const memory of memories) {
    const payload = { absorbed: random.between(1, 4), summary: `what ${memory.id} comes to` };
    wishes.push(command(memory, { type: "MemoryConsolidated", payload }));
    if (random.chance(0.4)) wishes.push(command(memory, { type: "MemoryExpired", payload: { reason: "aged" } }));
  }
  if (random.chance(0.3)) wishes.push(command(agent, { type: "AgentRetired", payload: { reason: "replaced" } }));
  return { key: `agent-${id}`, userId: ownerId, wishes };
}

/** What a memory holds: text, with an address or without, an attachment, or a damaged one. */
function content(random: Random): string {
  const text = random.chance(0.3) ? "write to someone@example.com" : "the meeting is on Monday";
  if (random.chance(0.7)) return text;
  const attachment = Buffer.from(text).toString("base64");
  return random.chance(0.7) ? `attachment:${attachment}` : `attachment:%${attachment}`;
}

function recalls(random: Random, agentId: string, memories: readonly AggregateRef[]): Wish["on"] {
  return Array.from({ length: random.between(4, 16) }, () => {
    const fact: Fact = { type: "MemoryRecalled", payload: { agentId, relevance: random.between(0, 100) } };
    return { aggregate: random.pick(memories), fact };
  });
}
