/**
 * A server with an empty directory, and a client of it, for one test.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Appended, Client } from "quipu-client";
import { Expected } from "quipu-client";

import type { Place } from "../scenario/programs.js";
import { placeIn, serverProgram } from "../scenario/programs.js";
import { Service } from "../scenario/service.js";
import { until } from "../scenario/until.js";
import type { Fact } from "../src/events/contracts.js";
import type { AggregateRef, Cause } from "../src/events/domain-event.js";
import { streamOf, toNewEvent } from "../src/events/domain-event.js";
import { idOf } from "../src/events/ids.js";
import type { Subscriber } from "../src/reactors/subscriber.js";
import { connect } from "../src/store/connecting.js";

/** A cause of its own for each number. */
export function cause(number: number): Cause {
  return {
    causationId: idOf("test", `${number}`),
    correlationId: idOf("conversation"),
    userId: "ada",
    occurredAt: new Date(Date.UTC(2026, 0, 1, 0, 0, number)),
  };
}

/** A memory that is kept. */
export function stored(content = "the meeting is on Monday"): Fact<"MemoryStored"> {
  return { type: "MemoryStored", payload: { agentId: "a1", kind: "fact", content } };
}

/** A recall of a memory. */
export function recalled(relevance = 50): Fact<"MemoryRecalled"> {
  return { type: "MemoryRecalled", payload: { agentId: "a1", relevance } };
}

/** A memory's name. */
export function memory(id: string): AggregateRef {
  return { type: "memory", id };
}

export class Scene implements AsyncDisposable {
  readonly home: string;
  readonly place: Place;
  readonly server: Service;
  readonly client: Client;
  #causes = 0;

  private constructor(home: string, place: Place) {
    this.home = home;
    this.place = place;
    this.server = new Service(serverProgram(place));
    this.client = connect(place.address);
  }

  static async begin(): Promise<Scene> {
    const home = await mkdtemp(join(tmpdir(), "governance-test-"));
    const scene = new Scene(home, await placeIn(home));
    await scene.server.start();
    return scene;
  }

  /** Appends facts to an aggregate, as they are. */
  append(aggregate: AggregateRef, ...facts: readonly Fact[]): Promise<Appended> {
    const events = facts.map((fact) => toNewEvent(fact, cause((this.#causes += 1)), 0));
    return this.client.append(streamOf(aggregate), Expected.any, events);
  }

  /** Lets a subscriber work until everything in the log is settled or parked. */
  async settle(subscriber: Subscriber): Promise<void> {
    const running = subscriber.run(this.client);
    await until(subscriber.group, async () => {
      const { head } = await this.client.serverInfo();
      const group = await this.client.consumers.get(subscriber.group);
      return (group !== undefined && group.settledPosition >= head) || `at ${group?.settledPosition ?? 0n} of ${head}`;
    });
    await subscriber.stop();
    await running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.kill();
    await rm(this.home, { recursive: true, force: true });
  }
}
