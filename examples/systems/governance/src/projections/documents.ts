/**
 * The documents that a projection changes for an event.
 */
import type { ModelTransaction } from "quipu-client";

/** Reads and changes documents of a read model, within the batch that the projector writes with its position. */
export class Documents {
  readonly #tx: ModelTransaction;

  constructor(tx: ModelTransaction) {
    this.#tx = tx;
  }

  /** What a document is from now on. */
  put<D>(type: string, id: string, document: D): void {
    this.#tx.upsert(type, id, document);
  }

  /** Changes a document, which is made if it is not there; returns it as it is then. */
  async change<D>(type: string, id: string, empty: D, how: (before: D) => D): Promise<D> {
    const after = how((await this.#tx.get<D>(type, id)) ?? empty);
    this.#tx.upsert(type, id, after);
    return after;
  }

  /** Changes a document that an earlier event has made; returns it as it is then. */
  async update<D>(type: string, id: string, how: (before: D) => D): Promise<D> {
    const before = await this.#tx.get<D>(type, id);
    if (before === undefined) throw new Error(`there is no ${type} ${id} to change`);
    const after = how(before);
    this.#tx.upsert(type, id, after);
    return after;
  }
}
