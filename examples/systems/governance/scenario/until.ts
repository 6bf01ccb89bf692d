/**
 * Waiting for a condition.
 */
import { setTimeout as sleep } from "node:timers/promises";

/** How long anything may take, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Asks again and again until something is so; throws with what it is instead when it takes too long. */
export async function until(what: string, isSo: () => Promise<true | string>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await isSo();
    if (answer === true) return;
    if (performance.now() > deadline) throw new Error(`${what}: waited in vain, ${answer}`);
    await sleep(40);
  }
}
