/**
 * Payloads: bytes to the store, JSON to most programs.
 *
 * Owns the way from a value to bytes and back. Bytes are taken as they are; anything else goes through JSON.
 */
import { QuipuError } from "./errors.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of a payload: of bytes, themselves; of anything else, its JSON. Throws a `QuipuError` when it has none. */
export function toBytes(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  try {
    const json = JSON.stringify(payload) as string | undefined;
    if (json !== undefined) return encoder.encode(json);
  } catch (cause) {
    throw new QuipuError("the payload has no JSON form", { cause });
  }
  throw new QuipuError("the payload has no JSON form");
}

/** The value of bytes that are JSON. `what` names them in the `QuipuError` when they are not. */
export function fromJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    // The parser's own words quote the payload, which does not belong into an error.
    throw new QuipuError(`${what} is not JSON`);
  }
}
