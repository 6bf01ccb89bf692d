/**
 * Documents against documents.
 */
import type { Client } from "quipu-client";

import type { Documents } from "./expected.js";
import { MODELS } from "./programs.js";

/** What readers of all read models see. */
export async function documentsOf(client: Client): Promise<Documents> {
  const all: Documents = new Map();
  for (const model of MODELS) {
    for await (const document of client.readModels.list(model, { pageSize: 1_000 })) {
      all.set(`${model}/${document.type}/${document.id}`, document.json());
    }
  }
  return all;
}

/** The documents that are missing, too many, or not the same, each in words. */
export function differences(actual: Documents, expected: Documents): string[] {
  const names = [...new Set([...actual.keys(), ...expected.keys()])].sort();
  return names.flatMap((name) => {
    const [is, ought] = [canonical(actual.get(name)), canonical(expected.get(name))];
    return is === ought ? [] : [`${name} is ${is} and not ${ought}`];
  });
}

/** JSON with the fields in the order of their names. */
export function canonical(value: unknown): string {
  const sorted = (_: string, it: unknown): unknown =>
    typeof it === "object" && it !== null && !Array.isArray(it)
      ? Object.fromEntries(Object.entries(it).sort(([one], [other]) => (one < other ? -1 : 1)))
      : it;
  return value === undefined ? "missing" : JSON.stringify(value, sorted);
}
