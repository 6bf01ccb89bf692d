/**
 * The three runs.
 *
 * Each drives the whole system, waits until everything is caught up, and compares what it has come to with a plain fold
 * over the events of the log.
 */
import { replayDeadLetters } from "../src/reactors/dead-letters.js";
import { differences, documentsOf } from "./compare.js";
import { wrongEffects } from "./effects.js";
import type { Documents } from "./expected.js";
import { expectedOf } from "./expected.js";
import { Fleet } from "./fleet.js";
import { carryOut, planKills, Progress } from "./kills.js";
import type { Place } from "./programs.js";
import { archiveProgram, projectorProgram, reactorProgram } from "./programs.js";
import { Random } from "./random.js";
import { Service } from "./service.js";
import { wrongStates } from "./states.js";
import { workload } from "./workload.js";

/** What a run has come to. */
export interface Outcome {
  readonly events: number;
  readonly kills: number;
  readonly documents: Documents;
  /** Documents and aggregates that are not as they must be. */
  readonly differences: readonly string[];
  /** Effects that are missing, or were had twice. */
  readonly faults: readonly string[];
}

/** How large a run is, and what it is drawn from. */
export interface Size {
  readonly seed: number;
  readonly events: number;
  /** How long the driver takes at least. */
  readonly seconds: number;
  readonly kills: number;
}

/** Drives everything from nothing, with kills or without. */
export async function drivenRun(place: Place, { seed, events, seconds, kills }: Size): Promise<Outcome> {
  await using fleet = new Fleet(place);
  await fleet.start();
  const { setup, steps } = workload(seed, events);
  const progress = new Progress();
  const total = setup.length + steps.length;
  const plan = planKills(new Random(seed), fleet, kills, total);
  const driver = await fleet.drive(seed, events, total / seconds, (done) => progress.note(done));
  const [killed] = await Promise.all([carryOut(plan, progress), driver.ended()]);
  await fleet.caughtUp();
  const log = await fleet.client.readAll().toArray();
  const documents = await documentsOf(fleet.client);
  return {
    events: log.length,
    kills: killed,
    documents,
    differences: [...differences(documents, expectedOf(log)), ...(await wrongStates(fleet.client, log))],
    faults: [...(await wrongEffects(fleet.client, place.outbox, "strict")), ...(await againAndAgain(fleet))],
  };
}

/**
 * Starts the screening again with the fix and replays its dead letters: nothing may be left over. Then has every reactor
 * see every event once more: nothing may be done twice.
 */
async function againAndAgain(fleet: Fleet): Promise<string[]> {
  await fleet.reactors.get("screening")?.stop();
  await using mended = new Mended(fleet.place);
  await mended.service.start();
  await replayDeadLetters(fleet.client, "screening");
  await fleet.caughtUp();
  const faults = await wrongEffects(fleet.client, fleet.place.outbox, "lenient");
  for (const name of fleet.reactors.keys()) await fleet.client.consumers.reset(name, "start");
  await fleet.caughtUp();
  faults.push(...(await wrongEffects(fleet.client, fleet.place.outbox, "lenient")));
  await mended.service.stop();
  const isMeasured = JSON.stringify(mended.service.last).includes('"screen for personal data":{"calls":');
  if (!isMeasured) faults.push("the screening does not tell how long its handlers took");
  return faults;
}

/** A screening that reads what it can of damaged attachments. */
class Mended implements AsyncDisposable {
  readonly service: Service;

  constructor(place: Place) {
    this.service = new Service(reactorProgram(place, "screening", { ATTACHMENTS: "lenient" }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.service.kill();
  }
}

/**
 * On the data of an earlier run: archives what is finished, then makes all read models anew from the first event, and
 * compares them with the fold and with what they were.
 */
export async function rebuildRun(place: Place, before: Documents): Promise<Outcome> {
  await using fleet = new Fleet(place);
  await fleet.server.start();
  await finished(new Service(archiveProgram(place)));
  for (const model of fleet.projectors.keys()) await finished(new Service(projectorProgram(place, model, "rebuild")));
  const faults: string[] = [];
  for (const model of fleet.projectors.keys()) {
    const generations = (await fleet.client.readModels.describe(model)) ?? [];
    const active = generations.find(({ isActive }) => isActive)?.generation;
    if (active !== 2n) faults.push(`readers of ${model} see generation ${active ?? "none"}`);
  }
  const log = await fleet.client.readAll().toArray();
  const documents = await documentsOf(fleet.client);
  return {
    events: log.length,
    kills: 0,
    documents,
    differences: [
      ...differences(documents, expectedOf(log)),
      ...differences(documents, before),
      ...(await wrongStates(fleet.client, log, place.archive)),
    ],
    faults,
  };
}

async function finished(service: Service): Promise<void> {
  await service.start();
  await service.ended();
}
