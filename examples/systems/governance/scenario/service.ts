/**
 * One process of a run.
 *
 * Owns `Service`: it starts a process, waits until it says that it is ready, kills it with SIGKILL, and starts it
 * again. One that ends without being told to has failed, and so has the run.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** How to start a process. */
export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where it speaks: one JSON value a line. */
  readonly speaksOn: "stdout" | "stderr";
  /** Whether a message says that it is ready. */
  readonly isReady: (message: Message) => boolean;
}

/** A line that a process has said. */
export type Message = Readonly<Record<string, unknown>>;

/** Processes that run: a scenario that ends in a hurry takes them with it. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A process that can be killed and started again. */
export class Service {
  readonly program: Program;
  /** What it has said last, since it was started. */
  last: Message = {};
  /** Why it ended by itself, if it did and should not have. */
  failure: string | undefined;
  readonly #onMessage: (message: Message) => void;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #isToEnd = false;

  constructor(program: Program, onMessage: (message: Message) => void = () => undefined) {
    this.program = program;
    this.#onMessage = onMessage;
  }

  /** Starts it, and waits until it is ready. */
  async start(): Promise<void> {
    const { name, command, args, env, speaksOn } = this.program;
    const stdio: ("ignore" | "pipe" | "inherit")[] = ["ignore", "ignore", "inherit"];
    stdio[speaksOn === "stdout" ? 1 : 2] = "pipe";
    const child = spawn(command, args, { stdio, env });
    this.#child = child;
    this.#isToEnd = false;
    this.last = {};
    running.add(child);
    this.#ended = once(child, "exit").then(([code, signal]) => {
      running.delete(child);
      if (!this.#isToEnd && code !== 0) this.failure = `${name} ended with ${String(code ?? signal)}`;
    });
    const lines = createInterface({ input: speaksOn === "stdout" ? required(child.stdout) : required(child.stderr) });
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => {
        const message = parsed(line);
        if (message === undefined) return;
        this.last = message;
        this.#onMessage(message);
        if (this.program.isReady(message)) resolve();
      });
      lines.once("close", () => reject(new Error(`${name} did not get ready`)));
    });
  }

  /** Kills it with SIGKILL. */
  async kill(): Promise<void> {
    this.#isToEnd = true;
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** Tells it to finish, and waits until it has. */
  async stop(): Promise<void> {
    this.#isToEnd = true;
    this.#child?.kill("SIGTERM");
    await this.#ended;
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<void> {
    await this.#ended;
    if (this.failure !== undefined) throw new Error(this.failure);
  }
}

function parsed(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error("the process has no pipe");
  return value;
}
