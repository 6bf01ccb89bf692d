/**
 * All processes of a run.
 *
 * Owns `Fleet`: server, reactors and projectors on one data directory, and the driver with them.
 */
import type { Client } from "quipu-client";

import { activity } from "../src/projections/activity.js";
import { memories } from "../src/projections/memories.js";
import { policies } from "../src/projections/policies.js";
import { connect } from "../src/store/connecting.js";
import type { Place } from "./programs.js";
import { driverProgram, MODELS, projectorProgram, reactorProgram, REACTORS, serverProgram } from "./programs.js";
import { Service } from "./service.js";
import { until } from "./until.js";

export class Fleet implements AsyncDisposable {
  readonly place: Place;
  readonly client: Client;
  readonly server: Service;
  readonly reactors: ReadonlyMap<string, Service>;
  readonly projectors: ReadonlyMap<string, Service>;

  constructor(place: Place) {
    this.place = place;
    this.client = connect(place.address);
    this.server = new Service(serverProgram(place));
    this.reactors = new Map(REACTORS.map((name) => [name, new Service(reactorProgram(place, name))] as const));
    this.projectors = new Map(MODELS.map((name) => [name, new Service(projectorProgram(place, name))] as const));
  }

  /** Those who may be killed. */
  get services(): readonly Service[] {
    return [this.server, ...this.reactors.values(), ...this.projectors.values()];
  }

  async start(): Promise<void> {
    await this.server.start();
    const others = [...this.reactors.values(), ...this.projectors.values()];
    await Promise.all(others.map((service) => service.start()));
  }

  /** A driver, which tells `onProgress` how many steps it has done. */
  async drive(seed: number, events: number, rate: number, onProgress: (done: number) => void): Promise<Service> {
    const driver = new Service(driverProgram(this.place, seed, events, rate), ({ done }) => {
      if (typeof done === "number") onProgress(done);
    });
    await driver.start();
    return driver;
  }

  /** Waits until every reactor has settled, and every projector has projected, all there is. */
  async caughtUp(): Promise<void> {
    await until("the reactors", () => this.#areReactorsDone());
    await until("the projectors", () => this.#areProjectorsDone());
  }

  async #areReactorsDone(): Promise<true | string> {
    this.#throwIfFailed();
    const { head } = await this.client.serverInfo();
    for (const name of this.reactors.keys()) {
      const group = await this.client.consumers.get(name);
      if (group === undefined) return `${name} has not begun`;
      if (group.settledPosition < head) return `${name} is at ${group.settledPosition} of ${head}`;
    }
    // What reactors have appended meanwhile is for others to react to.
    return (await this.client.serverInfo()).head === head || "there is more to come";
  }

  async #areProjectorsDone(): Promise<true | string> {
    this.#throwIfFailed();
    for (const projection of [policies(), memories(), activity()]) {
      const newest = this.client.readAll({ direction: "backwards", limit: 1, query: { types: projection.types } });
      const last = (await newest.toArray()).at(0)?.position ?? 0n;
      const generations = await this.client.readModels.describe(projection.model);
      const position = generations?.find(({ isActive }) => isActive)?.position ?? 0n;
      if (position < last) return `${projection.model} is at ${position} of ${last}`;
    }
    return true;
  }

  #throwIfFailed(): void {
    const failed = this.services.find(({ failure }) => failure !== undefined);
    if (failed !== undefined) throw new Error(failed.failure);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await Promise.all(this.services.map((service) => service.kill()));
  }
}
