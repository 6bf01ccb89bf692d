/**
 * Memory events: what agents keep, use and forget.
 */
import { count, object, oneOf, percent, text } from "./schema.js";

export const memoryEvents = {
  /** `content` is text, or `attachment:` with the content in base64. */
  MemoryStored: object({ agentId: text, kind: oneOf("fact", "episode", "preference"), content: text }),
  MemoryRecalled: object({ agentId: text, relevance: percent }),
  MemoryConsolidated: object({ absorbed: count, summary: text }),
  MemoryExpired: object({ reason: oneOf("aged", "superseded", "requested") }),
};
