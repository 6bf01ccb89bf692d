/**
 * Answers violations of policies: officers hear of each, and an agent with a critical one is suspended.
 *
 * The suspension is an event of the agent, caused by the violation and in the same conversation. Its id follows from
 * the violation's, and the agent's rules suspend it once, so a second call changes nothing.
 */
import type { Repository } from "../store/repository.js";
import type { DomainEvent } from "../events/domain-event.js";
import type { Outbox } from "./outbox.js";
import { Subscriber } from "./subscriber.js";

export function compliance(outbox: Outbox, repository: Repository): Subscriber {
  return new Subscriber("compliance")
    .on("PolicyViolationDetected", "notify officers", async (event) => {
      await outbox.send("officers", event, `${event.payload.severity} violation of policy ${event.aggregate.id}`);
    })
    .on("PolicyViolationDetected", "suspend agent", (event) => suspend(repository, event));
}

async function suspend(repository: Repository, event: DomainEvent<"PolicyViolationDetected">): Promise<void> {
  const { agentId, severity, details } = event.payload;
  if (severity !== "critical") return;
  const { correlationId, userId, occurredAt } = event;
  await repository.execute(
    { type: "agent", id: agentId },
    { type: "AgentSuspended", payload: { violationId: event.id, reason: details } },
    { causationId: event.id, correlationId, userId, occurredAt },
  );
}
