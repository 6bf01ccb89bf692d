/**
 * Walks over lists that come a page at a time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Listing, pageOf } from "./listing.js";

/** A list of six in pages of two, which notes what it was asked for. */
function six(asked: string[], first?: string): Listing<number> {
  return new Listing((token) => {
    asked.push(token);
    const begin = Number(token || "0");
    return Promise.resolve(pageOf([begin, begin + 1], begin < 4 ? String(begin + 2) : ""));
  }, first);
}

test("a list is asked for while it is walked over, each time anew", async () => {
  const asked: string[] = [];
  const list = six(asked);
  for await (const item of list) if (item === 2) break;
  assert.deepEqual(asked, ["", "2"]);
  assert.deepEqual(await list.toArray(), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(asked, ["", "2", "", "2", "4"]);
});

test("pages come one at a time, from a token if one is given", async () => {
  const list = six([], "4");
  assert.deepEqual(await list.page(), { items: [4, 5], nextPageToken: undefined });
  const pages = [];
  for await (const page of list.pages()) pages.push(page.items);
  assert.deepEqual(pages, [[4, 5]]);
});
