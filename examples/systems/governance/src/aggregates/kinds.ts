/**
 * The four kinds by their names.
 */
import type { AggregateType } from "../events/contracts.js";
import { agentKind } from "./agent.js";
import type { Kind } from "./kind.js";
import { memoryKind } from "./memory.js";
import { policyKind } from "./policy.js";
import { userKind } from "./user.js";

const KINDS = { policy: policyKind, memory: memoryKind, user: userKind, agent: agentKind };

/** The state of any aggregate. */
export type AnyState = ReturnType<(typeof KINDS)[AggregateType]["initial"]>;

/** The kind of this name. */
export function kindOf(type: AggregateType): Kind<AnyState> {
  // A state only ever meets the kind that made it, which the compiler cannot see through the lookup.
  return KINDS[type] as unknown as Kind<AnyState>;
}
