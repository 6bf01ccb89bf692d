/**
 * Old payloads in new shapes.
 *
 * Owns `Upcasters`: functions by event type and schema version, each from one version to another, applied when events
 * are read and chained until none applies. What is stored stays as it is. Nothing is swallowed: a function that throws
 * becomes an `UpcastFailed`, a chain without an end is refused as an `UpcastLoop` when it is registered.
 */
import { QuipuError } from "./errors.js";
import type { Logger } from "./logger.js";
import { inWords } from "./logger.js";
import type { RecordedEvent } from "./recorded.js";
import { ByVersion, DEFAULT_VERSION } from "./versions.js";

/** Makes the payload of the next version of an old one, which came out of JSON. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a payload has the shape that its author knows
export type Upcast = (payload: any, event: RecordedEvent) => unknown;

interface Upcaster {
  readonly to: string;
  readonly upcast: Upcast;
}

/** The upcasters of a program. Give them to `Client.connect`. */
export class Upcasters {
  readonly #upcasters = new ByVersion<Upcaster>("upcaster");

  /**
   * Registers a function for payloads of one version. An event is looked up by its exact version, then by the major
   * one (`2` for `2.1`), then by the default `*`; one that leads to the version where the event is already does not
   * apply. Throws an `UpcastLoop` when a chain would come back to a version, and a `QuipuError` when there is an
   * upcaster from this version already.
   */
  add(type: string, from: string, to: string, upcast: Upcast): this {
    if (this.#upcasters.get(type, from) !== undefined) {
      throw new QuipuError(`there is an upcaster for version ${from} of ${type} already`);
    }
    this.#refuseLoop(type, from, to);
    this.#upcasters.set(type, from, { to, upcast });
    return this;
  }

  /** The event in its newest shape. Throws an `UpcastFailed` when a function throws or the payload is not JSON. */
  apply(event: RecordedEvent, logger?: Logger): RecordedEvent {
    let current = event;
    for (;;) {
      const { type, schemaVersion: version } = current;
      const upcaster = this.#upcasters.find(type, version, logger);
      if (upcaster === undefined || upcaster.to === version) return current;
      try {
        current = current.reshaped(upcaster.upcast(current.json(), current), upcaster.to);
      } catch (cause) {
        throw new UpcastFailed(current, cause);
      }
    }
  }

  /** Every chain is known from its versions, so a loop can be seen before any event is met. */
  #refuseLoop(type: string, from: string, to: string): void {
    const chains = new ByVersion<string>("upcaster");
    chains.set(type, from, to);
    for (const version of this.#upcasters.versions(type)) {
      chains.set(type, version, this.#upcasters.get(type, version)?.to ?? version);
    }
    if (from === to) throw new UpcastLoop(type, [from, to]);
    for (const start of chains.versions(type)) {
      const path = [start];
      let at = start;
      for (;;) {
        const next = chains.find(type, at);
        if (next === undefined || next === at) break;
        path.push(next);
        if (path.indexOf(next) < path.length - 1) throw new UpcastLoop(type, path);
        at = next;
      }
    }
  }
}

/** An upcaster threw. The event's version is the one at which it did. */
export class UpcastFailed extends QuipuError {
  override readonly name = "UpcastFailed";
  /** The event's type. */
  readonly type: string;
  /** The version that was to be upcast. */
  readonly version: string;
  /** The event's position. */
  readonly position: bigint;

  constructor(event: RecordedEvent, cause: unknown) {
    const { type, schemaVersion, position } = event;
    super(`cannot upcast version ${schemaVersion} of ${type} at position ${position}: ${inWords(cause)}`, { cause });
    this.type = type;
    this.version = schemaVersion;
    this.position = position;
  }
}

/** Upcasters of a type would go round in circles. */
export class UpcastLoop extends QuipuError {
  override readonly name = "UpcastLoop";
  /** The event's type. */
  readonly type: string;
  /** The versions in the order of the chain, ending with the one that comes again. */
  readonly versions: readonly string[];

  constructor(type: string, versions: readonly string[]) {
    super(`upcasters of ${type} would not end: ${versions.map(named).join(" -> ")}`);
    this.type = type;
    this.versions = versions;
  }
}

function named(version: string): string {
  return version === DEFAULT_VERSION ? "any version" : version;
}
