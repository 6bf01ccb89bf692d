/**
 * The register of policies: each policy as it stands, and how many of each area are in force.
 */
import type { PayloadOf } from "../events/contracts.js";
import type { Projection } from "./projection.js";
import { projection } from "./projection.js";

/** A document of the type `policy`. */
export interface PolicyView {
  readonly title: string;
  readonly area: PayloadOf<"PolicyProposed">["area"];
  readonly status: "proposed" | "approved" | "rejected" | "retired";
  readonly supporting: number;
  readonly objecting: number;
  readonly violations: { readonly low: number; readonly high: number; readonly critical: number };
  readonly changedAt: string;
}

/** A document of the type `area`. */
export interface AreaView {
  readonly proposed: number;
  readonly inForce: number;
  readonly violations: number;
}

const EMPTY_AREA: AreaView = { proposed: 0, inForce: 0, violations: 0 };

export function policies(): Projection {
  return projection("policies")
    .on("PolicyProposed", async ({ aggregate, payload: { title, area }, occurredAt }, documents) => {
      const violations = { low: 0, high: 0, critical: 0 };
      const fresh = { title, area, status: "proposed", supporting: 0, objecting: 0, violations } as const;
      documents.put<PolicyView>("policy", aggregate.id, { ...fresh, changedAt: occurredAt.toISOString() });
      await documents.change("area", area, EMPTY_AREA, (it) => ({ ...it, proposed: it.proposed + 1 }));
    })
    .on("PolicyReviewed", async ({ aggregate, payload: { verdict }, occurredAt }, documents) => {
      const side = verdict === "support" ? "supporting" : "objecting";
      await documents.update<PolicyView>("policy", aggregate.id, (it) => ({
        ...it,
        [side]: it[side] + 1,
        changedAt: occurredAt.toISOString(),
      }));
    })
    .on("PolicyApproved", async ({ aggregate, occurredAt }, documents) => {
      const { area } = await documents.update<PolicyView>("policy", aggregate.id, (it) => ({
        ...it,
        status: "approved",
        changedAt: occurredAt.toISOString(),
      }));
      await documents.change("area", area, EMPTY_AREA, (it) => ({ ...it, inForce: it.inForce + 1 }));
    })
    .on("PolicyRejected", async ({ aggregate, occurredAt }, documents) => {
      const changedAt = occurredAt.toISOString();
      await documents.update<PolicyView>("policy", aggregate.id, (it) => ({ ...it, status: "rejected", changedAt }));
    })
    .on("PolicyViolationDetected", async ({ aggregate, payload: { severity }, occurredAt }, documents) => {
      const { area } = await documents.update<PolicyView>("policy", aggregate.id, (it) => ({
        ...it,
        violations: { ...it.violations, [severity]: it.violations[severity] + 1 },
        changedAt: occurredAt.toISOString(),
      }));
      await documents.change("area", area, EMPTY_AREA, (it) => ({ ...it, violations: it.violations + 1 }));
    })
    .on("PolicyRetired", async ({ aggregate, occurredAt }, documents) => {
      const { area } = await documents.update<PolicyView>("policy", aggregate.id, (it) => ({
        ...it,
        status: "retired",
        changedAt: occurredAt.toISOString(),
      }));
      await documents.change("area", area, EMPTY_AREA, (it) => ({ ...it, inForce: it.inForce - 1 }));
    });
}
