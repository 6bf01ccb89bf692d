/**
 * Kills at moments that a seed says.
 */
import type { Fleet } from "./fleet.js";
import type { Random } from "./random.js";
import type { Service } from "./service.js";

/** A kill: of whom, and after how many steps of the driver. */
export interface Kill {
  readonly victim: Service;
  readonly after: number;
}

/** So many kills, spread over the steps; everyone is killed before anyone is killed again. */
export function planKills(random: Random, fleet: Fleet, kills: number, steps: number): Kill[] {
  const victims: Service[] = [];
  while (victims.length < kills) victims.push(...random.shuffled(fleet.services));
  const share = steps / (kills + 1);
  return victims
    .slice(0, kills)
    .map((victim, index) => ({ victim, after: Math.floor(share * (index + 0.5 + random.fraction() / 2)) }));
}

/** Kills with SIGKILL and starts again, each when the driver has got so far. */
export async function carryOut(kills: readonly Kill[], progress: Progress): Promise<number> {
  let done = 0;
  for (const { victim, after } of kills) {
    await progress.reached(after);
    await victim.kill();
    await victim.start();
    done += 1;
  }
  return done;
}

/** How far the driver is. */
export class Progress {
  #done = 0;
  #waiting: { readonly after: number; readonly resolve: () => void }[] = [];

  /** Takes note, and wakes who waits for this. */
  note(done: number): void {
    this.#done = done;
    for (const { after, resolve } of this.#waiting) if (after <= done) resolve();
    this.#waiting = this.#waiting.filter(({ after }) => after > done);
  }

  /** Returns when so many steps are done. */
  async reached(after: number): Promise<void> {
    if (after <= this.#done) return;
    await new Promise<void>((resolve) => this.#waiting.push({ after, resolve }));
  }
}
