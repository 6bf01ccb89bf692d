/**
 * A policy: proposed, reviewed, and then in force or not.
 *
 * The third review that agrees with two others settles it: support approves the policy, objection rejects it, in the
 * same append as the review.
 */
import type { EventTypeOf, Fact } from "../events/contracts.js";
import type { Kind } from "./kind.js";
import { ensure } from "./kind.js";

export interface Policy {
  readonly status: "none" | "proposed" | "approved" | "rejected" | "retired";
  /** The verdict of each reviewer. */
  readonly verdicts: Readonly<Record<string, "support" | "object">>;
  readonly violations: number;
}

type PolicyFact = Fact<EventTypeOf<"policy">>;

/** So many agreeing reviews settle a proposal. */
export const QUORUM = 3;

export const policyKind: Kind<Policy, "policy"> = {
  type: "policy",
  stateVersion: "policy-1",
  initial: () => ({ status: "none", verdicts: {}, violations: 0 }),
  isFinished: ({ status }) => status === "rejected" || status === "retired",
  fold,
  decide,
};

function fold(policy: Policy, fact: PolicyFact): Policy {
  switch (fact.type) {
    case "PolicyProposed":
      return { ...policy, status: "proposed" };
    case "PolicyReviewed":
      return { ...policy, verdicts: { ...policy.verdicts, [fact.payload.reviewer]: fact.payload.verdict } };
    case "PolicyApproved":
      return { ...policy, status: "approved" };
    case "PolicyRejected":
      return { ...policy, status: "rejected" };
    case "PolicyViolationDetected":
      return { ...policy, violations: policy.violations + 1 };
    case "PolicyRetired":
      return { ...policy, status: "retired" };
  }
}

function decide(policy: Policy, wish: PolicyFact): readonly PolicyFact[] {
  switch (wish.type) {
    case "PolicyProposed":
      ensure(policy.status === "none", "the policy was proposed before");
      return [wish];
    case "PolicyReviewed":
      ensure(policy.status === "proposed", "only a proposal is reviewed");
      ensure(!(wish.payload.reviewer in policy.verdicts), "a reviewer has one review");
      return [wish, ...settled(policy, wish)];
    case "PolicyApproved":
    case "PolicyRejected":
      ensure(policy.status === "proposed", "only a proposal is settled");
      return [wish];
    case "PolicyViolationDetected":
      ensure(policy.status === "approved", "only a policy in force can be violated");
      return [wish];
    case "PolicyRetired":
      ensure(policy.status === "approved", "only a policy in force can be retired");
      return [wish];
  }
}

/** What a review leads to. */
function settled(policy: Policy, { payload }: Fact<"PolicyReviewed">): readonly PolicyFact[] {
  const agreeing = Object.values(policy.verdicts).filter((verdict) => verdict === payload.verdict).length + 1;
  if (agreeing < QUORUM) return [];
  if (payload.verdict === "object") return [{ type: "PolicyRejected", payload: { reason: payload.comment } }];
  return [{ type: "PolicyApproved", payload: { effectiveFrom: "at once" } }];
}
