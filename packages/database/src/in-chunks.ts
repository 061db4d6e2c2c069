/** Cuts a list, so that no statement grows with it. */
export function* inChunks<Item>(items: readonly Item[], itemsMax: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += itemsMax) yield items.slice(start, start + itemsMax)
}

/** Ids, or rows, in one statement at most. */
export const inOneStatementMax = 500
