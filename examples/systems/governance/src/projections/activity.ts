/**
 * Who does what: users with their roles and how much they have done, agents with their tasks.
 */
import { EVENT_TYPES } from "../events/contracts.js";
import type { Projection } from "./projection.js";
import { projection } from "./projection.js";

/** A document of the type `user`. */
export interface UserView {
  readonly name: string;
  readonly roles: readonly string[];
  readonly isActive: boolean;
}

/** A document of the type `actor`: everything that was done on behalf of a user, in any aggregate. */
export interface ActorView {
  readonly events: number;
  readonly lastActiveAt: string;
}

/** A document of the type `agent`. */
export interface AgentView {
  readonly name: string;
  readonly ownerId: string;
  readonly status: "active" | "suspended" | "retired";
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly seconds: number;
}

const NOBODY: ActorView = { events: 0, lastActiveAt: "" };

export function activity(): Projection {
  return projection("activity")
    .onAll(EVENT_TYPES, async ({ userId, occurredAt }, documents) => {
      const at = occurredAt.toISOString();
      await documents.change("actor", userId, NOBODY, ({ events, lastActiveAt }) => ({
        events: events + 1,
        lastActiveAt: at > lastActiveAt ? at : lastActiveAt,
      }));
    })
    .on("UserRegistered", ({ aggregate, payload: { name } }, documents) => {
      documents.put<UserView>("user", aggregate.id, { name, roles: [], isActive: true });
    })
    .on("UserRoleGranted", async ({ aggregate, payload: { role } }, documents) => {
      await documents.update<UserView>("user", aggregate.id, (it) => ({ ...it, roles: [...it.roles, role] }));
    })
    .on("UserDeactivated", async ({ aggregate }, documents) => {
      await documents.update<UserView>("user", aggregate.id, (it) => ({ ...it, isActive: false }));
    })
    .on("AgentRegistered", ({ aggregate, payload: { name, ownerId } }, documents) => {
      const idle = { started: 0, succeeded: 0, failed: 0, seconds: 0 };
      documents.put<AgentView>("agent", aggregate.id, { name, ownerId, status: "active", ...idle });
    })
    .on("AgentTaskStarted", async ({ aggregate }, documents) => {
      await documents.update<AgentView>("agent", aggregate.id, (it) => ({ ...it, started: it.started + 1 }));
    })
    .on("AgentTaskCompleted", async ({ aggregate, payload: { succeeded, seconds } }, documents) => {
      const outcome = succeeded ? "succeeded" : "failed";
      await documents.update<AgentView>("agent", aggregate.id, (it) => ({
        ...it,
        [outcome]: it[outcome] + 1,
        seconds: it.seconds + seconds,
      }));
    })
    .on("AgentSuspended", async ({ aggregate }, documents) => {
      await documents.update<AgentView>("agent", aggregate.id, (it) => ({ ...it, status: "suspended" }));
    })
    .on("AgentRetired", async ({ aggregate }, documents) => {
      await documents.update<AgentView>("agent", aggregate.id, (it) => ({ ...it, status: "retired" }));
    });
}
