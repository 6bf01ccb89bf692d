/**
 * Agent events: the programs that are governed.
 */
import { count, flag, listOf, object, text } from "./schema.js";

export const agentEvents = {
  AgentRegistered: object({ name: text, ownerId: text, capabilities: listOf(text) }),
  AgentTaskStarted: object({ taskId: text, purpose: text }),
  AgentTaskCompleted: object({ taskId: text, succeeded: flag, seconds: count }),
  AgentSuspended: object({ violationId: text, reason: text }),
  AgentRetired: object({ reason: text }),
};
