/**
 * The programs of a run: the server, the driver, the reactors and the projectors.
 */
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Program } from "./service.js";

const BUILD = resolve(import.meta.dirname, "..");
const BINARY = process.env["QUIPU_BINARY"] ?? resolve(BUILD, "../../../../target/debug/quipu");

/** The server takes no `QUIPU_` variable that is no setting of its own. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUIPU_")));

export const REACTORS = ["notifications", "compliance", "screening"] as const;
export const MODELS = ["policies", "memories", "activity"] as const;

/** Where a run takes place. */
export interface Place {
  readonly address: string;
  readonly data: string;
  readonly outbox: string;
  readonly archive: string;
}

/** A place in a directory, with a port that is free. */
export async function placeIn(home: string): Promise<Place> {
  const address = `127.0.0.1:${await freePort()}`;
  return { address, data: join(home, "data"), outbox: join(home, "outbox"), archive: join(home, "archive") };
}

export function serverProgram({ address, data }: Place): Program {
  if (!existsSync(BINARY)) throw new Error(`there is no server binary at ${BINARY}: name one in QUIPU_BINARY`);
  const args = ["serve", "--log-format", "json", "--listen", address, "--data", data];
  const isReady: Program["isReady"] = (message) => JSON.stringify(message).includes('"listening"');
  return { name: "server", command: BINARY, args, env: ENVIRONMENT, speaksOn: "stderr", isReady };
}

export function reactorProgram(place: Place, name: string, env: NodeJS.ProcessEnv = {}): Program {
  return nodeProgram(place, name, ["src/processes/reactor.js", name], env);
}

export function projectorProgram(place: Place, model: string, ...mode: "rebuild"[]): Program {
  return nodeProgram(place, model, ["src/processes/projector.js", model, ...mode]);
}

export function archiveProgram(place: Place): Program {
  return nodeProgram(place, "archive", ["src/processes/archive.js", place.archive]);
}

export function driverProgram(place: Place, seed: number, events: number, rate: number): Program {
  const env = { SEED: `${seed}`, EVENTS: `${events}`, RATE: `${rate}` };
  return nodeProgram(place, "driver", ["scenario/driver.js"], env);
}

function nodeProgram(place: Place, name: string, [script = "", ...args]: string[], env: NodeJS.ProcessEnv = {}) {
  return {
    name,
    command: process.execPath,
    args: [join(BUILD, script), ...args],
    env: { ...ENVIRONMENT, ADDRESS: place.address, OUTBOX: place.outbox, ...env },
    speaksOn: "stdout",
    isReady: (message) => message["ready"] === true,
  } satisfies Program;
}

/** A port that nobody has: the server is started again on it. */
async function freePort(): Promise<number> {
  const holder = createServer();
  await new Promise<void>((listening) => holder.listen(0, "127.0.0.1", listening));
  const { port } = holder.address() as AddressInfo;
  await new Promise((closed) => holder.close(closed));
  return port;
}
