/**
 * What scenarios have in common.
 *
 * Owns `Scene`, a fresh server with a client of it, and the few ways in which scenarios check and wait.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClientOptions, KnownReason, Logger, Message, RecordedEvent, Subscription } from "../src/index.js";
import { Client, NewEvent, QuipuError } from "../src/index.js";
import { Server } from "./server.js";

/** How long anything may take, in milliseconds. */
export const PATIENCE_MS = 30_000;

/** A scenario: it throws when something is not as it should be. */
export type Scenario = (scene: Scene) => Promise<void>;

/** A fresh server, and a client of it. */
export class Scene implements AsyncDisposable {
  readonly server: Server;
  readonly client: Client;
  /** What clients of this scene have warned of. */
  readonly warnings: string[];
  readonly #clients: Client[] = [];

  private constructor(server: Server, client: Client, warnings: string[]) {
    this.server = server;
    this.client = client;
    this.warnings = warnings;
  }

  static async begin(): Promise<Scene> {
    const server = await Server.start();
    const warnings: string[] = [];
    return new Scene(server, await Client.connect(server.address, { logger: logger(warnings) }), warnings);
  }

  /** Another client. */
  async connect(options: ClientOptions = {}): Promise<Client> {
    const client = await Client.connect(this.server.address, { logger: logger(this.warnings), ...options });
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of [this.client, ...this.#clients]) client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

function logger(warnings: string[]): Logger {
  return { debug: () => undefined, warn: (message) => void warnings.push(message) };
}

/** So many events of a type, numbered in their payload. */
export function numbered(count: number, type = "Numbered", first = 0): NewEvent[] {
  return Array.from({ length: count }, (_, index) => new NewEvent(type, { number: first + index }));
}

/** The number of a numbered event. */
export function numberOf(event: RecordedEvent): number {
  return event.json<{ number: number }>().number;
}

/** From 0 so many whole numbers. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The error of something that must fail for this reason. */
export async function refused(reason: KnownReason, attempt: Promise<unknown>): Promise<QuipuError> {
  const error = await attempt.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  assert.ok(error instanceof QuipuError, `expected ${reason}, got ${String(error)}`);
  assert.equal(error.reason, reason, error.message);
  return error;
}

/** Something that must happen in time. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: timer.signal }).then(() => assert.fail(`${what}: not in time`));
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
    late.catch(() => undefined);
  }
}

/** A condition that must come to hold in time. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}: not in time`);
    await sleep(5);
  }
}

/** The first so many events of a subscription, which then ends. */
export async function take(subscription: Subscription, count: number): Promise<RecordedEvent[]> {
  const taken: RecordedEvent[] = [];
  for await (const event of subscription) if (taken.push(event) === count) break;
  return taken;
}

/** What a subscription says up to a message of this kind. */
export async function heardUntil(subscription: Subscription, kind: Message["kind"]): Promise<Message[]> {
  const heard: Message[] = [];
  for await (const message of subscription.messages()) {
    heard.push(message);
    if (message.kind === kind) break;
  }
  return heard;
}

/** A promise and its settling. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((it) => (resolve = it));
  return { promise, resolve };
}
