/**
 * A memory of an agent. Recalls come in great numbers, so a memory in use is a large aggregate.
 */
import type { EventTypeOf, Fact } from "../events/contracts.js";
import type { Kind } from "./kind.js";
import { ensure } from "./kind.js";

export interface Memory {
  readonly status: "none" | "kept" | "expired";
  readonly recalls: number;
  /** How many other memories have gone into it. */
  readonly absorbed: number;
}

type MemoryFact = Fact<EventTypeOf<"memory">>;

export const memoryKind: Kind<Memory, "memory"> = {
  type: "memory",
  stateVersion: "memory-1",
  initial: () => ({ status: "none", recalls: 0, absorbed: 0 }),
  isFinished: ({ status }) => status === "expired",
  fold,
  decide,
};

function fold(memory: Memory, fact: MemoryFact): Memory {
  switch (fact.type) {
    case "MemoryStored":
      return { ...memory, status: "kept" };
    case "MemoryRecalled":
      return { ...memory, recalls: memory.recalls + 1 };
    case "MemoryConsolidated":
      return { ...memory, absorbed: memory.absorbed + fact.payload.absorbed };
    case "MemoryExpired":
      return { ...memory, status: "expired" };
  }
}

function decide(memory: Memory, wish: MemoryFact): readonly MemoryFact[] {
  if (wish.type === "MemoryStored") ensure(memory.status === "none", "the memory was stored before");
  else ensure(memory.status === "kept", "the memory is not kept");
  return [wish];
}
