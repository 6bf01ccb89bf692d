/**
 * Streams of a server that may go silent.
 *
 * Owns the watch over an endless call: who says nothing for too long is given up. Only time spent waiting counts, so a
 * slow reader is not taken for a silent server.
 */
import { unavailable } from "./errors.js";

/**
 * The messages of a call, which `open` begins. A silence of `silenceMs` milliseconds is a break like any other. When
 * `signal` is aborted, its reason is thrown. The call ends with the walk over it.
 */
export async function* watched<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const call = new AbortController();
  const stop = (): void => call.abort(signal.reason);
  signal.addEventListener("abort", stop);
  const silent = unavailable(`the server was silent for ${silenceMs} ms`);
  try {
    signal.throwIfAborted();
    const messages = open(call.signal)[Symbol.asyncIterator]();
    for (;;) {
      const timer = setTimeout(() => call.abort(silent), silenceMs);
      const next = await messages.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } catch (failure) {
    signal.throwIfAborted();
    throw call.signal.reason === silent ? silent : failure;
  } finally {
    signal.removeEventListener("abort", stop);
    call.abort();
  }
}
