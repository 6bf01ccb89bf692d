/**
 * What is registered for an event of a type and a schema version.
 *
 * Owns the order of looking up: the exact version, then the major one (`2` for `2.1`), then the default. That a default
 * takes an event of a type that has entries for other versions is told once for each type and version, since it may be
 * that somebody has forgotten a version.
 */
import type { Logger } from "./logger.js";

/** What is registered for any version that has nothing of its own. */
export const DEFAULT_VERSION = "*";

/** Values by event type and schema version. */
export class ByVersion<T> {
  readonly #types = new Map<string, Map<string, T>>();
  readonly #told = new Set<string>();
  readonly #what: string;

  /** `what` names what is looked up, in the warning. */
  constructor(what: string) {
    this.#what = what;
  }

  /** What is registered for exactly this, if anything. */
  get(type: string, version: string): T | undefined {
    return this.#types.get(type)?.get(version);
  }

  set(type: string, version: string, value: T): void {
    const versions = this.#types.get(type) ?? new Map<string, T>();
    this.#types.set(type, versions.set(version, value));
  }

  /** The types that have something. */
  types(): string[] {
    return [...this.#types.keys()];
  }

  /** The versions of a type that have something, the default among them. */
  versions(type: string): string[] {
    return [...(this.#types.get(type)?.keys() ?? [])];
  }

  /** What an event of this version gets. */
  find(type: string, version: string, logger?: Logger): T | undefined {
    const versions = this.#types.get(type);
    if (versions === undefined) return undefined;
    const found = versions.get(version) ?? versions.get(major(version));
    if (found !== undefined) return found;
    const fallback = versions.get(DEFAULT_VERSION);
    if (fallback !== undefined && versions.size > 1 && logger !== undefined) this.#warnOnce(type, version, logger);
    return fallback;
  }

  #warnOnce(type: string, version: string, logger: Logger): void {
    const key = JSON.stringify([type, version]);
    if (this.#told.has(key)) return;
    this.#told.add(key);
    logger.warn(`no ${this.#what} for version ${version} of ${type}, the default one is used`);
  }
}

function major(version: string): string {
  return version.split(".", 1)[0] ?? version;
}
