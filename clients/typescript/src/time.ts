/**
 * Times on the wire and in the program.
 *
 * Owns the conversion between protobuf's timestamps and durations and JavaScript's dates and milliseconds. What is
 * finer than a millisecond is cut, and not rounded, so that a read from an event's time begins no later than with it.
 */
import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { durationFromMs, durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";

import { required } from "./errors.js";

const NANOS_PER_MS = 1_000_000;

/** A time that must be set; `what` names it in the error. */
export function timeOf(wire: Timestamp | undefined, what: string): Date {
  const { seconds, nanos } = required(wire, what);
  return new Date(Number(seconds) * 1_000 + Math.floor(nanos / NANOS_PER_MS));
}

/** A time that may be unset. */
export function optionalTime(wire: Timestamp | undefined): Date | undefined {
  return wire && timeOf(wire, "a time");
}

/** A time as it goes over the wire. */
export function timeToWire(time: Date): Timestamp {
  return timestampFromDate(time);
}

/** A span of milliseconds as it goes over the wire. */
export function durationToWire(ms: number): Duration {
  return durationFromMs(Math.round(ms));
}

/** A span of time in milliseconds, if it is set. */
export function optionalMs(wire: Duration | undefined): number | undefined {
  return wire && durationMs(wire);
}
