/**
 * Runs scenarios against real servers: all of them, or those named on the command line.
 *
 * Prints one line for each, and ends with 1 when one failed.
 */
import { inspect } from "node:util";

import * as appending from "./appending.js";
import * as deciding from "./deciding.js";
import * as grouping from "./grouping.js";
import * as keeping from "./keeping.js";
import * as projecting from "./projecting.js";
import * as reacting from "./reacting.js";
import * as reading from "./reading.js";
import type { Scenario } from "./scene.js";
import { Scene } from "./scene.js";

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "append-expected": appending.appendExpected,
  "append-retry": appending.appendRetry,
  "append-guards": appending.appendGuards,
  "transact": appending.transact,
  "read-stream": reading.readStream,
  "read-all-query": reading.readAllQuery,
  "read-resume": reading.readResume,
  "subscribe-live": reading.subscribeLive,
  "subscribe-resume": reading.subscribeResume,
  "append-resume": appending.appendResume,
  "snapshots": keeping.snapshots,
  "state": keeping.state,
  "checkpoints": keeping.checkpoints,
  "stream-life": keeping.streamLife,
  "statistics": keeping.statistics,
  "tenants": keeping.tenants,
  "errors": keeping.errors,
  "aggregate": deciding.aggregate,
  "upcasters": deciding.upcasters,
  "group-order": grouping.groupOrder,
  "group-park": grouping.groupPark,
  "group-members": grouping.groupMembers,
  "group-fetch": grouping.groupFetch,
  "group-errors": grouping.groupErrors,
  "reactor": reacting.reactor,
  "read-models": projecting.readModels,
  "projector": projecting.projector,
  "replay": projecting.replay,
};

/** How long a scenario may take, in milliseconds. */
const SCENARIO_MS = 120_000;

async function run(scenario: Scenario): Promise<void> {
  await using scene = await Scene.begin();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${SCENARIO_MS} ms`)), SCENARIO_MS);
  });
  try {
    await Promise.race([scenario(scene), late]);
  } finally {
    clearTimeout(timer);
  }
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in SCENARIOS));
if (unknown.length > 0) {
  console.error(`there is no scenario ${unknown.join(", ")}; there are ${Object.keys(SCENARIOS).join(", ")}`);
  process.exit(2);
}
let failed = 0;
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  try {
    await run(scenario);
    console.log(`ok ${name}`);
  } catch (error) {
    failed += 1;
    const [why = "", ...more] = inspect(error).split("\n");
    console.log(`FAIL ${name}: ${why}`);
    console.error(more.join("\n"));
  }
}
process.exitCode = failed === 0 ? 0 : 1;
