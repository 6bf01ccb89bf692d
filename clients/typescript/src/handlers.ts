/**
 * What is called for an event.
 *
 * Owns `Handlers`: functions by event type and schema version, several for each, in the order in which they were
 * registered. Which version's functions an event gets is decided as for upcasters: the exact version, the major one,
 * the default.
 */
import type { Logger } from "./logger.js";
import type { RecordedEvent } from "./recorded.js";
import { ByVersion, DEFAULT_VERSION } from "./versions.js";

const NONE: readonly never[] = [];

/** Functions by event type and version. */
export class Handlers<H> {
  readonly #handlers = new ByVersion<H[]>("handler");

  /** Registers a function for a type, and for a version of it if one is given. */
  add(type: string, handler: H, version = DEFAULT_VERSION): void {
    const handlers = this.#handlers.get(type, version) ?? [];
    handlers.push(handler);
    this.#handlers.set(type, version, handlers);
  }

  /** The functions for an event. */
  of(event: RecordedEvent, logger: Logger): readonly H[] {
    return this.#handlers.find(event.type, event.schemaVersion, logger) ?? NONE;
  }

  /** The types that have functions. */
  types(): string[] {
    return this.#handlers.types();
  }
}
