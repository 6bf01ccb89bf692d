/**
 * The process that issues the commands of a workload.
 *
 * It does a few steps at a time, those of one key one after the other, at most `RATE` a second, and waits out a server
 * that is away: all that it appends has its ids beforehand, so a repetition adds nothing. It tells how far it is.
 */
import type { Client } from "quipu-client";

import { Refused } from "../src/aggregates/kind.js";
import { grouped } from "../src/grouped.js";
import { address, say, told } from "../src/processes/environment.js";
import { recordAll } from "../src/store/batches.js";
import { connect } from "../src/store/connecting.js";
import { Repository } from "../src/store/repository.js";
import { Pace } from "./pace.js";
import type { Step } from "./workload.js";
import { workload } from "./workload.js";

/** So many steps at a time. */
const LANES = 6;

class Driver {
  done = 0;
  refused = 0;
  readonly #client: Client;
  readonly #repository: Repository;
  readonly #pace: Pace;

  constructor(client: Client, pace: Pace) {
    this.#client = client;
    this.#repository = new Repository(client);
    this.#pace = pace;
  }

  /** Does all steps; those of a key are in one lane. */
  async run(steps: readonly Step[]): Promise<void> {
    const keys = [...new Set(steps.map(({ key }) => key))];
    const laneOf = new Map(keys.map((key, index) => [key, index % LANES] as const));
    const lanes = grouped(steps, ({ key }) => laneOf.get(key));
    await Promise.all([...lanes.values()].map((lane) => this.#lane(lane)));
  }

  async #lane(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#pace.next();
      await this.#do(step);
      this.done += 1;
      say({ done: this.done });
    }
  }

  async #do({ kind, on }: Step): Promise<void> {
    if (kind === "observations") {
      await recordAll(this.#client, on);
      return;
    }
    for (const { aggregate, fact, cause } of on) {
      try {
        await this.#repository.execute(aggregate, fact, cause);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        this.refused += 1;
      }
    }
  }
}

const { setup, steps } = workload(Number(told("SEED")), Number(told("EVENTS")));
await using client = connect(address());
const driver = new Driver(client, new Pace(Number(told("RATE"))));
say({ ready: true });
await driver.run(setup);
await driver.run(steps);
say({ finished: true, done: driver.done, refused: driver.refused });
