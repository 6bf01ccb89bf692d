/**
 * Servers to run scenarios against.
 *
 * Owns `Server`: a process of the `quipu` binary with a directory of its own, on a port that is free, which can be
 * killed and started again on the same port.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** The server refuses to start with a `QUIPU_` variable that is no setting of its own. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUIPU_")));

const BINARY = process.env["QUIPU_BINARY"] ?? resolve(import.meta.dirname, "../../../../target/debug/quipu");

/** Servers that run: a process that ends in a hurry takes them with it. */
const running = new Set<Server>();
process.on("exit", () => {
  for (const server of running) server.abandon();
});

/** A server process. */
export class Server implements AsyncDisposable {
  readonly #home: string;
  #address = "127.0.0.1:0";
  #process: ChildProcess | undefined;

  private constructor(home: string) {
    this.#home = home;
  }

  /** Starts a server with an empty directory. */
  static async start(): Promise<Server> {
    if (!existsSync(BINARY)) {
      throw new Error(`there is no server binary at ${BINARY}: build it, or name one in QUIPU_BINARY`);
    }
    const server = new Server(await mkdtemp(join(tmpdir(), "quipu-client-")));
    running.add(server);
    await server.restart();
    return server;
  }

  /** Where it listens, such as `127.0.0.1:40123`. */
  get address(): string {
    return this.#address;
  }

  /** Starts it again, at the same address. */
  async restart(): Promise<void> {
    const data = join(this.#home, "data");
    const options = ["serve", "--log-format", "json", "--listen", this.#address, "--data", data];
    const server = spawn(BINARY, options, { stdio: ["ignore", "ignore", "pipe"], env: ENVIRONMENT });
    this.#process = server;
    const said: string[] = [];
    for await (const line of createInterface({ input: server.stderr })) {
      said.push(line);
      const address = listening(line);
      if (address === undefined) continue;
      this.#address = address;
      // Nobody reads on: what it says from now on must not fill the pipe.
      server.stderr.resume();
      return;
    }
    throw new Error(`the server does not start\n${said.join("\n")}`);
  }

  /** Kills it with SIGKILL. */
  async kill(): Promise<void> {
    const server = this.#process;
    if (server?.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  /** Has it do nothing, with its connections open, until it is resumed. */
  suspend(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  async killAndRestart(): Promise<void> {
    await this.kill();
    await this.restart();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.abandon();
  }

  /** Kills it and removes its directory, without waiting for anything. */
  abandon(): void {
    running.delete(this);
    this.#process?.kill("SIGKILL");
    rmSync(this.#home, { recursive: true, force: true });
  }
}

/** The address on the line that tells it. */
function listening(line: string): string | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  const text = JSON.stringify(entry);
  if (!text.includes('"listening"')) return undefined;
  return /"address":"([^"]+)"/.exec(text)?.[1];
}
