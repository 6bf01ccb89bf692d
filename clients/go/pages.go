package quipu

// Lists that come a page at a time, as one iteration.

import "iter"

// pages asks for one page after the other, each as late as possible.
func pages[Item any](ask func(token string) (items []Item, next string, err error)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for token := ""; ; {
			items, next, err := ask(token)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

// mapped converts a page's items.
func mapped[Wire, Item any](wire []Wire, convert func(Wire) Item) []Item {
	items := make([]Item, len(wire))
	for i := range wire {
		items[i] = convert(wire[i])
	}
	return items
}
