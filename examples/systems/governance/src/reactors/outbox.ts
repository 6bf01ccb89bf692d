/**
 * Messages to people, each sent once.
 *
 * Owns `Outbox`: a directory for each channel and a file for each message, named after the event that it is about. A
 * message is written beside, synced, and then linked to its name, which fails when there is one already: so a handler
 * that is called again for an event, after a kill at any moment, adds nothing. What stands behind it in a real service
 * is a mail gateway that takes an idempotency key.
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, unlink } from "node:fs/promises";
import { join } from "node:path";

import type { DomainEvent } from "../events/domain-event.js";

/** Who is told. */
export type Channel = "reviewers" | "officers" | "owners" | "recall-index" | "personal-data";

/** The messages of all channels. */
export class Outbox {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Sends a message about an event, unless it was sent before; tells whether it is new. */
  async send(channel: Channel, event: DomainEvent, message: unknown): Promise<boolean> {
    const folder = join(this.#directory, channel);
    await mkdir(folder, { recursive: true });
    const draft = join(folder, `.${randomUUID()}`);
    await written(draft, JSON.stringify({ eventId: event.id, message }));
    try {
      await link(draft, join(folder, `${event.id}.json`));
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
      throw error;
    } finally {
      await unlink(draft);
    }
  }

  /** What was sent, by the ids of the events; a message that was sent twice would be there twice. */
  async sent(channel: Channel): Promise<string[]> {
    const files = await readdir(join(this.#directory, channel)).catch(() => []);
    return files
      .filter((file) => !file.startsWith("."))
      .map((file) => file.split(".", 1)[0] ?? file)
      .sort();
  }
}

async function written(path: string, content: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}
