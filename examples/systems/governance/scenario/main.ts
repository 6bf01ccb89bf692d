/**
 * The scenario: plain, killed, and rebuilt from zero. Prints a line for each run and ends with 1 if one is not right.
 *
 * `EVENTS` says about how many events there are, `SEED` what everything is drawn from.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { placeIn } from "./programs.js";
import type { Outcome } from "./runs.js";
import { drivenRun, rebuildRun } from "./runs.js";

const KILLS = 20;
/** With kills, the driver takes its time, so that there is somebody to be killed at work. */
const SECONDS_WITH_KILLS = 10;

const seed = Number(process.env["SEED"] ?? "7");
const events = Number(process.env["EVENTS"] ?? "500");

/** Prints the line of a run; what is wrong goes to standard error. */
function report(name: string, outcome: Outcome): void {
  const { documents, kills, differences, faults } = outcome;
  const counts = `events ${outcome.events}, kills ${kills}, documents ${documents.size}`;
  console.log(`governance ${name}: ${counts}, differences ${differences.length}`);
  for (const wrong of [...differences, ...faults].slice(0, 10)) console.error(`  ${wrong}`);
  if (differences.length + faults.length > 0) process.exitCode = 1;
}

console.log(`seed ${seed}, about ${events} events`);
const home = await mkdtemp(join(tmpdir(), "governance-"));
try {
  const plain = await placeIn(join(home, "plain"));
  report("plain", await drivenRun(plain, { seed, events, seconds: 0, kills: 0 }));
  const killed = await placeIn(join(home, "kills"));
  const outcome = await drivenRun(killed, { seed, events, seconds: SECONDS_WITH_KILLS, kills: KILLS });
  report("kills", outcome);
  report("rebuild", await rebuildRun(killed, outcome.documents));
} finally {
  await rm(home, { recursive: true, force: true });
}
