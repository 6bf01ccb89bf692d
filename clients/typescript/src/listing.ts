/**
 * Lists that come a page at a time.
 *
 * Owns `Listing`, a lazy walk over all pages. Each iteration asks anew.
 */

/** A page of a list. */
export interface Page<T> {
  /** What is in it, in the order of the list. */
  readonly items: readonly T[];
  /** What to ask for the next page with; none when this was the last. */
  readonly nextPageToken: string | undefined;
}

/** How to walk over a list. */
export interface PageOptions {
  /** At most so many in a page: 100 by default, 1,000 at most. */
  readonly pageSize?: number | undefined;
  /** Begins after the page that gave this token. */
  readonly pageToken?: string | undefined;
}

/** A list. It is asked for while it is walked over. */
export class Listing<T, P extends Page<T> = Page<T>> implements AsyncIterable<T> {
  readonly #fetch: (pageToken: string) => Promise<P>;
  readonly #first: string;

  /** @internal */
  constructor(fetch: (pageToken: string) => Promise<P>, first = "") {
    this.#fetch = fetch;
    this.#first = first;
  }

  /** The first page. */
  page(): Promise<P> {
    return this.#fetch(this.#first);
  }

  /** All pages. */
  async *pages(): AsyncGenerator<P, void, undefined> {
    let page = await this.page();
    for (;;) {
      yield page;
      if (page.nextPageToken === undefined) return;
      page = await this.#fetch(page.nextPageToken);
    }
  }

  /** Everything, page by page. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.items;
  }

  /** Everything at once. */
  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const page of this.pages()) all.push(...page.items);
    return all;
  }
}

/** @internal What goes over the wire when nothing is asked for. */
export function pageToWire(options: PageOptions, pageToken: string): { pageSize: number; pageToken: string } {
  return { pageSize: options.pageSize ?? 0, pageToken };
}

/** @internal A page as it came over the wire. */
export function pageOf<T>(items: readonly T[], nextPageToken: string): Page<T> {
  return { items, nextPageToken: nextPageToken === "" ? undefined : nextPageToken };
}
