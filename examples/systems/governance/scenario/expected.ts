/**
 * What the read models must be: a plain fold over the events of the log, which shares nothing with the projections.
 */
import type { RecordedEvent } from "quipu-client";

/** Documents by `<model>/<type>/<id>`. */
export type Documents = Map<string, unknown>;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- read as it is stored, without the contracts
type Loose = Record<string, any>;

/** The documents that a log comes to. */
export function expectedOf(log: readonly RecordedEvent[]): Documents {
  const all = new Map<string, Loose>();
  const doc = (name: string, fresh: Loose = {}): Loose => {
    const found = all.get(name) ?? fresh;
    all.set(name, found);
    return found;
  };
  for (const event of log) fold(event, doc);
  return all;
}

/* eslint-disable @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access,
   @typescript-eslint/no-unsafe-call, @typescript-eslint/restrict-plus-operands -- payloads are loose here, see above */
function fold(event: RecordedEvent, doc: (name: string, fresh?: Loose) => Loose): void {
  const data = event.json<Loose>();
  const id = event.stream.replace(/^[a-z]+-/, "");
  const at = event.occurredAt?.toISOString() ?? "";
  const actor = doc(`activity/actor/${event.metadata["user"] ?? ""}`, { events: 0, lastActiveAt: "" });
  actor["events"]++;
  if (at > actor["lastActiveAt"]) actor["lastActiveAt"] = at;
  if (event.type.startsWith("Policy")) {
    const policy = doc(`policies/policy/${id}`, { title: data["title"], area: data["area"] });
    const area = doc(`policies/area/${policy["area"] as string}`, { proposed: 0, inForce: 0, violations: 0 });
    policy["changedAt"] = at;
    if (event.type === "PolicyProposed") {
      Object.assign(policy, { status: "proposed", supporting: 0, objecting: 0 });
      policy["violations"] = { low: 0, high: 0, critical: 0 };
      area["proposed"]++;
    } else if (event.type === "PolicyReviewed") policy[data["verdict"] === "object" ? "objecting" : "supporting"]++;
    else if (event.type === "PolicyViolationDetected") {
      policy["violations"][data["severity"]]++;
      area["violations"]++;
    } else {
      policy["status"] = event.type.slice("Policy".length).toLowerCase();
      area["inForce"] += { approved: 1, rejected: 0, retired: -1 }[policy["status"] as string] ?? 0;
    }
  }
  if (event.type.startsWith("Memory")) {
    const memory = doc(`memories/memory/${id}`, { agentId: data["agentId"], kind: data["kind"], lastRecalledAt: null });
    const keeper = doc(`memories/agent/${memory["agentId"] as string}`, { stored: 0, expired: 0, recalls: 0 });
    if (event.type === "MemoryStored") {
      Object.assign(memory, { status: "kept", recalls: 0, bestRelevance: 0, absorbed: 0 });
      keeper["stored"]++;
    }
    if (event.type === "MemoryRecalled") {
      Object.assign(memory, { recalls: memory["recalls"] + 1, lastRecalledAt: at });
      if (data["relevance"] > memory["bestRelevance"]) memory["bestRelevance"] = data["relevance"];
      keeper["recalls"]++;
    }
    if (event.type === "MemoryConsolidated") memory["absorbed"] += data["absorbed"];
    if (event.type === "MemoryExpired") {
      memory["status"] = "expired";
      keeper["expired"]++;
    }
  }
  if (event.type.startsWith("User")) {
    const user = doc(`activity/user/${id}`, { name: data["name"], roles: [], isActive: true });
    if (event.type === "UserRoleGranted") user["roles"].push(data["role"]);
    if (event.type === "UserDeactivated") user["isActive"] = false;
  }
  if (event.type.startsWith("Agent")) {
    const agent = doc(`activity/agent/${id}`, { name: data["name"], ownerId: data["ownerId"], status: "active" });
    if (event.type === "AgentRegistered") Object.assign(agent, { started: 0, succeeded: 0, failed: 0, seconds: 0 });
    if (event.type === "AgentTaskStarted") agent["started"]++;
    if (event.type === "AgentTaskCompleted") {
      agent[data["succeeded"] === true ? "succeeded" : "failed"]++;
      agent["seconds"] += data["seconds"];
    }
    if (event.type === "AgentSuspended") agent["status"] = "suspended";
    if (event.type === "AgentRetired") agent["status"] = "retired";
  }
}
