/**
 * User events: the people who govern.
 */
import { object, oneOf, text } from "./schema.js";

export const userEvents = {
  UserRegistered: object({ name: text, email: text }),
  UserRoleGranted: object({ role: oneOf("reader", "reviewer", "officer", "administrator") }),
  UserDeactivated: object({ reason: text }),
};
