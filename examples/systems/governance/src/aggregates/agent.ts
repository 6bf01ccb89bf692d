/**
 * An agent: it works on tasks until it is suspended or retired. What runs then may still be completed.
 */
import type { EventTypeOf, Fact } from "../events/contracts.js";
import type { Kind } from "./kind.js";
import { ensure } from "./kind.js";

export interface Agent {
  readonly status: "none" | "active" | "suspended" | "retired";
  /** Tasks that run. */
  readonly running: readonly string[];
  readonly completed: number;
}

type AgentFact = Fact<EventTypeOf<"agent">>;

export const agentKind: Kind<Agent, "agent"> = {
  type: "agent",
  stateVersion: "agent-1",
  initial: () => ({ status: "none", running: [], completed: 0 }),
  isFinished: ({ status }) => status === "retired",
  fold,
  decide,
};

function fold(agent: Agent, fact: AgentFact): Agent {
  switch (fact.type) {
    case "AgentRegistered":
      return { ...agent, status: "active" };
    case "AgentTaskStarted":
      return { ...agent, running: [...agent.running, fact.payload.taskId] };
    case "AgentTaskCompleted": {
      const running = agent.running.filter((task) => task !== fact.payload.taskId);
      return { ...agent, running, completed: agent.completed + 1 };
    }
    case "AgentSuspended":
      return { ...agent, status: "suspended" };
    case "AgentRetired":
      return { ...agent, status: "retired" };
  }
}

function decide(agent: Agent, wish: AgentFact): readonly AgentFact[] {
  switch (wish.type) {
    case "AgentRegistered":
      ensure(agent.status === "none", "the agent was registered before");
      return [wish];
    case "AgentTaskStarted":
      ensure(agent.status === "active", "the agent is not active");
      ensure(!agent.running.includes(wish.payload.taskId), "the task runs already");
      return [wish];
    case "AgentTaskCompleted":
      ensure(agent.running.includes(wish.payload.taskId), "the task does not run");
      return [wish];
    case "AgentSuspended":
      ensure(agent.status !== "none", "there is no such agent");
      // One suspension is enough, whatever else the agent has violated, and none is needed for one that is retired.
      return agent.status === "active" ? [wish] : [];
    case "AgentRetired":
      ensure(agent.status === "active" || agent.status === "suspended", "there is no such agent, or it is retired");
      ensure(agent.running.length === 0, "the agent has tasks to complete");
      return [wish];
  }
}
