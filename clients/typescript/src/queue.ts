/**
 * What waits to be sent, or to be dealt with.
 *
 * Owns `Queue`: things are put in at any time and walked over once, in order, by whoever takes them.
 */

/** A queue with an end. Its length is bounded by who puts things into it. */
export class Queue<T> implements AsyncIterable<T> {
  #waiting: T[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** Puts something in. After the end it is dropped. */
  put(thing: T): void {
    if (this.#end !== undefined) return;
    this.#waiting.push(thing);
    this.#wake?.();
  }

  /** Nothing more will come; what is there can still be taken. */
  end(): void {
    this.#end ??= {};
    this.#wake?.();
  }

  /** Nothing more will come, and what is there is void: the walk throws this. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#waiting = [];
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const thing = this.#waiting.shift();
      if (thing !== undefined) {
        yield thing;
      } else if (this.#end === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        this.#wake = undefined;
      } else if ("error" in this.#end) {
        throw this.#end.error;
      } else {
        return;
      }
    }
  }
}
