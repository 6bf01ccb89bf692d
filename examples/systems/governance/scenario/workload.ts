/**
 * What is to be done in a run, drawn from a seed.
 *
 * Owns `workload`: steps in an order, with everything that ends up in the store decided beforehand: ids, times, users.
 * Steps with the same key must be done one after the other.
 */
import type { Observation } from "../src/store/batches.js";
import { idOf } from "../src/events/ids.js";
import type { Life } from "./lives.js";
import { agentLife, career, deployment, policyLife, registration } from "./lives.js";
import { Random } from "./random.js";

/** One command, or a batch of observations. */
export interface Step {
  readonly key: string;
  readonly kind: "command" | "observations";
  readonly on: readonly Observation[];
}

/** Everything that is to be done. */
export interface Workload {
  /** What must be there first: users and agents. */
  readonly setup: readonly Step[];
  readonly steps: readonly Step[];
}

const BEGINNING = Date.UTC(2026, 0, 5, 8);

/** The work of about so many events. */
export function workload(seed: number, events: number): Workload {
  const random = new Random(seed);
  const userIds = names("u", Math.max(6, Math.ceil(events / 100)));
  const agentIds = names("a", Math.max(4, Math.ceil(events / 120)));
  const policyIds = names("p", Math.max(4, Math.ceil(events / 40)));
  const owners = new Map(agentIds.map((id) => [id, random.pick(userIds)] as const));
  const beginnings = [...userIds.map(registration), ...[...owners].map(([id, owner]) => deployment(id, owner))];
  const lives = [
    ...userIds.map((id) => career(random, id)),
    ...policyIds.map((id) => policyLife(random, id, userIds, agentIds)),
    ...[...owners].map(([id, owner]) => agentLife(random, id, owner)),
  ];
  const steps = new Steps(seed);
  return { setup: beginnings.flatMap((life) => steps.of(life)), steps: steps.merged(random, lives) };
}

/** Makes steps out of lives, numbering and dating them as they come. */
class Steps {
  readonly #seed: number;
  #number = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  of(life: Life): Step[] {
    return life.wishes.map((wish) => this.#step(life, wish));
  }

  /** One list of the wishes of all lives, each life's in their order. */
  merged(random: Random, lives: readonly Life[]): Step[] {
    const turns = random.shuffled(lives.flatMap((life) => life.wishes.map(() => life)));
    const next = new Map(lives.map((life) => [life, life.wishes.values()] as const));
    return turns.flatMap((life) => {
      const wish = next.get(life)?.next().value;
      return wish === undefined ? [] : [this.#step(life, wish)];
    });
  }

  #step({ key, userId }: Life, { kind, on }: Life["wishes"][number]): Step {
    this.#number += 1;
    const correlationId = idOf("conversation", `${this.#seed}`, key);
    const occurredAt = new Date(BEGINNING + this.#number * 1_000);
    const observations = on.map(({ aggregate, fact }, index) => {
      const causationId = idOf("command", `${this.#seed}`, `${this.#number}`, `${index}`);
      return { aggregate, fact, cause: { causationId, correlationId, userId, occurredAt } };
    });
    return { key, kind, on: observations };
  }
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
