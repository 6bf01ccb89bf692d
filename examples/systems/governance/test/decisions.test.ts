/**
 * Decisions and folds of the four kinds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { agentKind } from "../src/aggregates/agent.js";
import type { Kind } from "../src/aggregates/kind.js";
import { Refused } from "../src/aggregates/kind.js";
import { memoryKind } from "../src/aggregates/memory.js";
import { policyKind } from "../src/aggregates/policy.js";
import { userKind } from "../src/aggregates/user.js";
import type { AggregateType, EventTypeOf, Fact } from "../src/events/contracts.js";
import { recalled, stored } from "./scene.js";

/** The state after wishes were fulfilled one after the other, and the types of what that led to. */
function after<S, A extends AggregateType>(kind: Kind<S, A>, ...wishes: readonly Fact<EventTypeOf<A>>[]) {
  let state = kind.initial();
  const types: string[] = [];
  for (const wish of wishes) {
    for (const fact of kind.decide(state, wish)) {
      state = kind.fold(state, fact);
      types.push(fact.type);
    }
  }
  return { state, types };
}

const proposed: Fact<"PolicyProposed"> = {
  type: "PolicyProposed",
  payload: { title: "Ask first", area: "privacy", wording: "Agents ask first." },
};

function reviewed(reviewer: string, verdict: "support" | "object" = "support"): Fact<"PolicyReviewed"> {
  return { type: "PolicyReviewed", payload: { reviewer, verdict, comment: verdict } };
}

const violated: Fact<"PolicyViolationDetected"> = {
  type: "PolicyViolationDetected",
  payload: { agentId: "a1", severity: "low", details: "did not ask" },
};

const registered: Fact<"AgentRegistered"> = {
  type: "AgentRegistered",
  payload: { name: "Agent 1", ownerId: "ada", capabilities: [] },
};
const started: Fact<"AgentTaskStarted"> = { type: "AgentTaskStarted", payload: { taskId: "t1", purpose: "answer" } };
const completed: Fact<"AgentTaskCompleted"> = {
  type: "AgentTaskCompleted",
  payload: { taskId: "t1", succeeded: true, seconds: 3 },
};
const suspended: Fact<"AgentSuspended"> = { type: "AgentSuspended", payload: { violationId: "v", reason: "r" } };
const retired: Fact<"AgentRetired"> = { type: "AgentRetired", payload: { reason: "replaced" } };

test("the third review in support approves a policy", () => {
  const { state, types } = after(policyKind, proposed, reviewed("u1"), reviewed("u2", "object"), reviewed("u3"));
  assert.equal(state.status, "proposed");
  assert.deepEqual(
    policyKind.decide(state, reviewed("u4")).map(({ type }) => type),
    ["PolicyReviewed", "PolicyApproved"],
  );
  assert.equal(types.length, 4);
});

test("the third objection rejects a policy, which is finished then", () => {
  const objections = ["u1", "u2", "u3"].map((reviewer) => reviewed(reviewer, "object"));
  const { state } = after(policyKind, proposed, ...objections);
  assert.ok(policyKind.isFinished(state));
  assert.throws(() => policyKind.decide(state, reviewed("u4")), Refused);
});

test("a reviewer has one review, and only a policy in force can be violated or retired", () => {
  const { state } = after(policyKind, proposed, reviewed("u1"));
  assert.throws(() => policyKind.decide(state, reviewed("u1")), /one review/);
  assert.throws(() => policyKind.decide(state, violated), Refused);
  const inForce = after(policyKind, proposed, { type: "PolicyApproved", payload: { effectiveFrom: "now" } }, violated);
  assert.deepEqual(inForce.state, { status: "approved", verdicts: {}, violations: 1 });
});

test("a memory is used while it is kept", () => {
  const { state } = after(memoryKind, stored(), recalled(), recalled());
  assert.deepEqual(state, { status: "kept", recalls: 2, absorbed: 0 });
  const expired = memoryKind.fold(state, { type: "MemoryExpired", payload: { reason: "aged" } });
  assert.throws(() => memoryKind.decide(expired, recalled()), Refused);
  assert.throws(() => memoryKind.decide(memoryKind.initial(), recalled()), Refused);
});

test("a role that was granted is not granted again", () => {
  const grant: Fact<"UserRoleGranted"> = { type: "UserRoleGranted", payload: { role: "officer" } };
  const ada: Fact<"UserRegistered"> = { type: "UserRegistered", payload: { name: "Ada", email: "ada@example.com" } };
  assert.deepEqual(after(userKind, ada, grant, grant).types, ["UserRegistered", "UserRoleGranted"]);
  assert.throws(() => userKind.decide(userKind.initial(), grant), Refused);
});

test("a suspended agent starts nothing, completes what runs, and is suspended once", () => {
  const { state } = after(agentKind, registered, started, suspended);
  assert.throws(() => agentKind.decide(state, { ...started, payload: { ...started.payload, taskId: "t2" } }), Refused);
  assert.deepEqual(agentKind.decide(state, suspended), []);
  assert.deepEqual(after(agentKind, registered, started, suspended, completed).state, {
    status: "suspended",
    running: [],
    completed: 1,
  });
});

test("an agent with a task is not retired, and a retired one needs no suspension", () => {
  assert.throws(() => after(agentKind, registered, started, retired), /tasks to complete/);
  const { state } = after(agentKind, registered, retired);
  assert.ok(agentKind.isFinished(state));
  assert.deepEqual(agentKind.decide(state, suspended), []);
});
