/**
 * Which events are meant.
 *
 * Owns `Query` and `QueryItem`, plain values, and their way to the wire. The server checks them.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";

import type { Query as QueryWire, QuerySchema } from "./gen/quipu/v1/query_pb.js";

/** What an event must be like: it matches when it meets everything that is set. At least one thing must be. */
export interface QueryItem {
  /** The event's type is one of these. */
  readonly types?: readonly string[] | undefined;
  /** The event has all of these tags. */
  readonly tags?: readonly string[] | undefined;
  /** The event's stream is of one of these categories: its name, up to the first `-`. */
  readonly categories?: readonly string[] | undefined;
  /** The name of the event's stream begins with this. Quick when it has a `-`. */
  readonly streamPrefix?: string | undefined;
  /** The event has this correlation id. */
  readonly correlationId?: string | undefined;
}

/** Which events are meant: all, those that match an item, or those that match at least one of several. */
export type Query = "all" | QueryItem | readonly QueryItem[];

/** @internal A query as it goes over the wire. */
export function queryToWire(query: Query): MessageInitShape<typeof QuerySchema> {
  if (query === "all") return { all: {} };
  const items = isList(query) ? query : [query];
  return {
    items: items.map((item) => ({
      types: [...(item.types ?? [])],
      tags: [...(item.tags ?? [])],
      categories: [...(item.categories ?? [])],
      streamPrefix: item.streamPrefix ?? "",
      correlationId: item.correlationId ?? "",
    })),
  };
}

/** @internal A query as it came over the wire. */
export function queryFromWire(wire: QueryWire): Query {
  if (wire.all !== undefined) return "all";
  return wire.items.map((item) => ({
    ...(item.types.length > 0 && { types: item.types }),
    ...(item.tags.length > 0 && { tags: item.tags }),
    ...(item.categories.length > 0 && { categories: item.categories }),
    ...(item.streamPrefix !== "" && { streamPrefix: item.streamPrefix }),
    ...(item.correlationId !== "" && { correlationId: item.correlationId }),
  }));
}

function isList(query: QueryItem | readonly QueryItem[]): query is readonly QueryItem[] {
  return Array.isArray(query);
}
