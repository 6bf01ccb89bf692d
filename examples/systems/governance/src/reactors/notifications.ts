/**
 * Tells people what they have to know, once for each event.
 */
import type { Outbox } from "./outbox.js";
import { Subscriber } from "./subscriber.js";

export function notifications(outbox: Outbox): Subscriber {
  return new Subscriber("notifications")
    .on("PolicyProposed", "notify reviewers", async (event) => {
      await outbox.send("reviewers", event, `please review ${event.payload.title}`);
    })
    .on("AgentSuspended", "notify owners", async (event) => {
      await outbox.send("owners", event, `agent ${event.aggregate.id} is suspended: ${event.payload.reason}`);
    });
}
