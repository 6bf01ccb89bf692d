/**
 * Ids that follow from what they are for.
 *
 * Whoever does the same thing again, after a kill or a lost answer, comes to the same id, and the store recognises it.
 */
import { createHash } from "node:crypto";

/** A UUID (version 8) made of these words. */
export function idOf(...words: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(words)).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString("hex", 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
