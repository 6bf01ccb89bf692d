/**
 * The catalogue of memories: each memory with its use, and what each agent keeps.
 */
import type { PayloadOf } from "../events/contracts.js";
import type { Projection } from "./projection.js";
import { projection } from "./projection.js";

/** A document of the type `memory`. */
export interface MemoryView {
  readonly agentId: string;
  readonly kind: PayloadOf<"MemoryStored">["kind"];
  readonly status: "kept" | "expired";
  readonly recalls: number;
  readonly bestRelevance: number;
  readonly absorbed: number;
  readonly lastRecalledAt: string | null;
}

/** A document of the type `agent`. */
export interface AgentMemoryView {
  readonly stored: number;
  readonly expired: number;
  readonly recalls: number;
}

const EMPTY: AgentMemoryView = { stored: 0, expired: 0, recalls: 0 };

export function memories(): Projection {
  return projection("memories")
    .on("MemoryStored", async ({ aggregate, payload: { agentId, kind } }, documents) => {
      const unused = { recalls: 0, bestRelevance: 0, absorbed: 0, lastRecalledAt: null };
      documents.put<MemoryView>("memory", aggregate.id, { agentId, kind, status: "kept", ...unused });
      await documents.change("agent", agentId, EMPTY, (it) => ({ ...it, stored: it.stored + 1 }));
    })
    .on("MemoryRecalled", async ({ aggregate, payload: { agentId, relevance }, occurredAt }, documents) => {
      await documents.update<MemoryView>("memory", aggregate.id, (it) => ({
        ...it,
        recalls: it.recalls + 1,
        bestRelevance: Math.max(it.bestRelevance, relevance),
        lastRecalledAt: occurredAt.toISOString(),
      }));
      await documents.change("agent", agentId, EMPTY, (it) => ({ ...it, recalls: it.recalls + 1 }));
    })
    .on("MemoryConsolidated", async ({ aggregate, payload }, documents) => {
      await documents.update<MemoryView>("memory", aggregate.id, (it) => ({
        ...it,
        absorbed: it.absorbed + payload.absorbed,
      }));
    })
    .on("MemoryExpired", async ({ aggregate }, documents) => {
      const { agentId } = await documents.update<MemoryView>("memory", aggregate.id, (it) => ({
        ...it,
        status: "expired",
      }));
      await documents.change("agent", agentId, EMPTY, (it) => ({ ...it, expired: it.expired + 1 }));
    });
}
