/**
 * What projectors make of events, kept next to them.
 *
 * Owns `Document`, `ReadModels` and the calls. All calls are retried while the server is unavailable. A write whose
 * answer was lost is refused as `WRONG_READ_MODEL_POSITION` when it is retried, so it never happens twice; `Projector`
 * then asks for the position and goes on behind it.
 */
import type { Cancellable, Connection } from "./connection.js";
import { hasReason, required } from "./errors.js";
import type { Document as DocumentWire } from "./gen/quipu/v1/read_models_pb.js";
import type { Page, PageOptions } from "./listing.js";
import { Listing, pageOf, pageToWire } from "./listing.js";
import { fromJson, toBytes } from "./payload.js";
import { optionalTime } from "./time.js";

/** A document of a read model. */
export class Document {
  /** What kind of document it is, such as `customer`. */
  readonly type: string;
  /** Its own name within the type. */
  readonly id: string;
  /** What it holds, opaque to the store. */
  readonly data: Uint8Array;
  /** The media type of `data`. */
  readonly contentType: string;
  /** The position of the write that made it so. */
  readonly position: bigint;
  /** When that was. Server time. */
  readonly updatedAt: Date | undefined;

  /** @internal */
  constructor(wire: DocumentWire) {
    this.type = wire.type;
    this.id = wire.id;
    this.data = wire.data;
    this.contentType = wire.contentType || "application/json";
    this.position = wire.position;
    this.updatedAt = optionalTime(wire.updatedAt);
  }

  /** What it holds, out of JSON. It is not checked that it is a `T`. Throws a `QuipuError` when it is not JSON. */
  json<T = unknown>(): T {
    return fromJson(this.data, `the document ${this.id} of type ${this.type}`) as T;
  }
}

/** The name of a document. */
export interface DocumentKey {
  readonly type: string;
  readonly id: string;
}

/** A document to write. Bytes are taken as they are, anything else goes through JSON. */
export interface Upsert extends DocumentKey {
  readonly content: unknown;
  /** The media type of the content; `application/json` by default. */
  readonly contentType?: string | undefined;
}

/** Changes of a generation, together with its position. */
export interface ReadModelWrite {
  /** Where the generation must be; 0: nothing was written yet. */
  readonly expectedPosition: bigint;
  /** Where it is from now on: the position of the last event that is in it. */
  readonly position: bigint;
  /** Documents as they are from now on. */
  readonly upserts?: readonly Upsert[] | undefined;
  /** Documents that go. It does not matter whether they are there. */
  readonly deletes?: readonly DocumentKey[] | undefined;
}

/** Which generation of a read model; the active one by default. */
export interface GenerationOptions extends Cancellable {
  readonly generation?: bigint | undefined;
}

/** Which documents to list. */
export interface ListDocumentsOptions extends GenerationOptions, PageOptions {
  /** What kind of documents; all by default. */
  readonly type?: string | undefined;
  /** Only documents whose ids begin with this. Needs `type`. */
  readonly idPrefix?: string | undefined;
  /** Passes over so many documents first, for those who count pages. */
  readonly offset?: bigint | undefined;
}

/** A page of documents. */
export interface DocumentPage extends Page<Document> {
  /** The position of the last event that is in the generation. */
  readonly position: bigint;
}

/** A generation of a read model. */
export interface Generation {
  /** Its number, from 1. */
  readonly generation: bigint;
  /** The position of the last event that is in it; 0: none yet. */
  readonly position: bigint;
  /** Whether it is what readers see. */
  readonly isActive: boolean;
  /** When it was written last. Server time. */
  readonly updatedAt: Date | undefined;
}

/** Read models of one tenant. */
export class ReadModels {
  readonly #connection: Connection;

  /** @internal */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Changes documents and the position, all or nothing; returns the generation that was written. The first write makes
   * the read model. `WRONG_READ_MODEL_POSITION` when the generation is not at `expectedPosition`.
   */
  async write(model: string, write: ReadModelWrite, options: GenerationOptions = {}): Promise<bigint> {
    const request = {
      model,
      generation: options.generation ?? 0n,
      expectedPosition: write.expectedPosition,
      position: write.position,
      upserts: (write.upserts ?? []).map(({ type, id, content, contentType }) => ({
        type,
        id,
        data: toBytes(content),
        contentType: contentType ?? "",
      })),
      deletes: (write.deletes ?? []).map(({ type, id }) => ({ type, id })),
    };
    return (await this.#connection.call((it) => this.#connection.readModels.write(request, it), options)).generation;
  }

  /** A document; none when there is none, or no such read model. */
  async get(model: string, type: string, id: string, options: GenerationOptions = {}): Promise<Document | undefined> {
    const request = { model, type, id, generation: options.generation ?? 0n };
    try {
      const answer = await this.#connection.call((it) => this.#connection.readModels.get(request, it), options);
      return new Document(required(answer.document, "the document"));
    } catch (error) {
      if (hasReason(error, "READ_MODEL_NOT_FOUND", "TENANT_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** Documents by type, in the order of their ids. `READ_MODEL_NOT_FOUND` when there is no such read model. */
  list(model: string, options: ListDocumentsOptions = {}): Listing<Document, DocumentPage> {
    const { type = "", idPrefix = "", generation = 0n } = options;
    return new Listing(async (token) => {
      // A token knows what was passed over before it.
      const offset = token === "" ? (options.offset ?? 0n) : 0n;
      const request = { model, type, idPrefix, generation, offset, ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.readModels.list(request, it), options);
      const documents = answer.documents.map((wire) => new Document(wire));
      return { ...pageOf(documents, answer.nextPageToken), position: answer.position };
    }, options.pageToken);
  }

  /** How far each generation is, ascending; none when there is no such read model. */
  async describe(model: string, options: Cancellable = {}): Promise<Generation[] | undefined> {
    try {
      const answer = await this.#connection.call((it) => this.#connection.readModels.describe({ model }, it), options);
      return answer.generations.map(({ generation, position, isActive, updatedAt }) => ({
        generation,
        position,
        isActive,
        updatedAt: optionalTime(updatedAt),
      }));
    } catch (error) {
      if (hasReason(error, "READ_MODEL_NOT_FOUND", "TENANT_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  /** The names of read models that begin with `prefix`, sorted. */
  listModels(options: Cancellable & PageOptions & { readonly prefix?: string | undefined } = {}): Listing<string> {
    return new Listing(async (token) => {
      const request = { prefix: options.prefix ?? "", ...pageToWire(options, token) };
      const answer = await this.#connection.call((it) => this.#connection.readModels.listModels(request, it), options);
      return pageOf(answer.models, answer.nextPageToken);
    }, options.pageToken);
  }

  /**
   * Makes a new generation, empty and at position 0, which readers do not see yet; returns its number. A retry after a
   * lost answer makes another one; the next switch deletes what is older.
   */
  async begin(model: string, options: Cancellable = {}): Promise<bigint> {
    return (await this.#connection.call((it) => this.#connection.readModels.begin({ model }, it), options)).generation;
  }

  /**
   * Makes a generation the active one, if it is at `expectedPosition` when that is given, and deletes all older ones.
   */
  async switch(
    model: string,
    generation: bigint,
    options: Cancellable & { readonly expectedPosition?: bigint | undefined } = {},
  ): Promise<void> {
    const { expectedPosition } = options;
    const request = { model, generation, ...(expectedPosition !== undefined && { expectedPosition }) };
    await this.#connection.call((it) => this.#connection.readModels.switch(request, it), options);
  }

  /** Deletes a read model, or one generation that is not active. `READ_MODEL_NOT_FOUND` when there is none. */
  async delete(model: string, options: GenerationOptions = {}): Promise<void> {
    const request = { model, generation: options.generation ?? 0n };
    await this.#connection.call((it) => this.#connection.readModels.delete(request, it), options);
  }
}
