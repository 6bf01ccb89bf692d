/**
 * Looking up by type and version.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ByVersion, DEFAULT_VERSION } from "./versions.js";

test("the exact version comes before the major one, and that before the default", () => {
  const entries = new ByVersion<string>("handler");
  entries.set("A", "2.1", "exact");
  entries.set("A", "2", "major");
  entries.set("A", DEFAULT_VERSION, "default");
  assert.deepEqual(
    ["2.1", "2.2", "2.2.1", "2", "20", "3"].map((version) => entries.find("A", version)),
    ["exact", "major", "major", "major", "default", "default"],
  );
  assert.equal(entries.find("B", "1"), undefined);
});

test("a default beside other versions is warned of, once for each type and version", () => {
  const warnings: string[] = [];
  const logger = { debug: () => undefined, warn: (message: string) => void warnings.push(message) };
  const entries = new ByVersion<string>("handler");
  entries.set("A", DEFAULT_VERSION, "default");
  entries.find("A", "1", logger);
  assert.deepEqual(warnings, []);
  entries.set("A", "1", "one");
  for (const version of ["1", "2", "2", "3", "2"]) entries.find("A", version, logger);
  assert.deepEqual(warnings, [
    "no handler for version 2 of A, the default one is used",
    "no handler for version 3 of A, the default one is used",
  ]);
});
