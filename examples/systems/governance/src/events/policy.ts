/**
 * Governance events: what happens to a policy.
 */
import { object, oneOf, text } from "./schema.js";

export const policyEvents = {
  PolicyProposed: object({ title: text, area: oneOf("privacy", "safety", "finance", "access"), wording: text }),
  PolicyReviewed: object({ reviewer: text, verdict: oneOf("support", "object"), comment: text }),
  PolicyApproved: object({ effectiveFrom: text }),
  PolicyRejected: object({ reason: text }),
  PolicyViolationDetected: object({ agentId: text, severity: oneOf("low", "high", "critical"), details: text }),
  PolicyRetired: object({ reason: text }),
};
