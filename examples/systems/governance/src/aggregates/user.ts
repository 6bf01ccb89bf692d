/**
 * A user: someone who proposes, reviews and owns.
 */
import type { EventTypeOf, Fact } from "../events/contracts.js";
import type { Kind } from "./kind.js";
import { ensure } from "./kind.js";

export interface User {
  readonly status: "none" | "active" | "deactivated";
  readonly roles: readonly string[];
}

type UserFact = Fact<EventTypeOf<"user">>;

export const userKind: Kind<User, "user"> = {
  type: "user",
  stateVersion: "user-1",
  initial: () => ({ status: "none", roles: [] }),
  isFinished: ({ status }) => status === "deactivated",
  fold,
  decide,
};

function fold(user: User, fact: UserFact): User {
  switch (fact.type) {
    case "UserRegistered":
      return { ...user, status: "active" };
    case "UserRoleGranted":
      return { ...user, roles: [...user.roles, fact.payload.role] };
    case "UserDeactivated":
      return { ...user, status: "deactivated" };
  }
}

function decide(user: User, wish: UserFact): readonly UserFact[] {
  if (wish.type === "UserRegistered") ensure(user.status === "none", "the user was registered before");
  else ensure(user.status === "active", "the user is not active");
  // Granted before: the wish is fulfilled.
  if (wish.type === "UserRoleGranted" && user.roles.includes(wish.payload.role)) return [];
  return [wish];
}
