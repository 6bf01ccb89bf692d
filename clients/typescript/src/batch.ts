/**
 * The changes of a batch of events to a read model.
 *
 * Owns `ModelTransaction`, what handlers of a projector read and write: they see their own changes and those of the
 * events before in the same batch, which nobody else sees until the batch is written.
 */
import type { Client } from "./client.js";
import { fromJson, toBytes } from "./payload.js";
import type { DocumentKey, Upsert } from "./read-models.js";

/** Reads and changes the documents of a read model for an event. */
export interface ModelTransaction {
  /** What a document holds, out of JSON; none when there is none. It is not checked that it is a `T`. */
  get<T = unknown>(type: string, id: string): Promise<T | undefined>;
  /** What a document holds from now on. Bytes are taken as they are, anything else goes through JSON. */
  upsert(type: string, id: string, content: unknown): void;
  /** Removes a document; it does not matter whether it is there. */
  delete(type: string, id: string): void;
}

/** @internal A generation that is being written, and where it is. */
export interface Target {
  /** None for a read model that is not there yet: the first write makes it. */
  readonly generation: bigint | undefined;
  readonly position: bigint;
}

/** @internal The changes of events that are not written yet, and where the generation is that they are for. */
export class Batch implements ModelTransaction {
  readonly #client: Client;
  readonly #model: string;
  readonly #signal: AbortSignal | undefined;
  /** What documents hold after the batch, as far as it has changed them; undefined for those that go. */
  readonly #changes = new Map<string, { readonly key: DocumentKey; readonly data: Uint8Array | undefined }>();
  #target: Target;
  /** How many events are in it. */
  events = 0;

  constructor(client: Client, model: string, target: Target, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#model = model;
    this.#target = target;
    this.#signal = signal;
  }

  /** Where the generation is, without this batch. */
  get position(): bigint {
    return this.#target.position;
  }

  /**
   * Writes the changes together with the position of the last event that is in them, and begins anew. Fails as lost
   * when the generation is not where it was left.
   */
  async write(position: bigint): Promise<void> {
    if (position <= this.#target.position) return;
    const upserts: Upsert[] = [];
    const deletes: DocumentKey[] = [];
    for (const { key, data } of this.#changes.values()) {
      if (data === undefined) deletes.push(key);
      else upserts.push({ ...key, content: data });
    }
    const write = { expectedPosition: this.#target.position, position, upserts, deletes };
    const options = { generation: this.#target.generation, signal: this.#signal };
    const generation = await this.#client.readModels.write(this.#model, write, options);
    this.#target = { generation, position };
    this.#changes.clear();
    this.events = 0;
  }

  async get<T = unknown>(type: string, id: string): Promise<T | undefined> {
    const change = this.#changes.get(nameOf(type, id));
    if (change !== undefined) {
      return change.data && (fromJson(change.data, `the document ${id} of type ${type}`) as T);
    }
    const options = { generation: this.#target.generation, signal: this.#signal };
    return (await this.#client.readModels.get(this.#model, type, id, options))?.json<T>();
  }

  upsert(type: string, id: string, content: unknown): void {
    // Taken as bytes at once, so that what the handler does to the value afterwards changes nothing.
    this.#changes.set(nameOf(type, id), { key: { type, id }, data: toBytes(content) });
  }

  delete(type: string, id: string): void {
    this.#changes.set(nameOf(type, id), { key: { type, id }, data: undefined });
  }
}

function nameOf(type: string, id: string): string {
  return JSON.stringify([type, id]);
}
