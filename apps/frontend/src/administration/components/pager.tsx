import { Button } from '@mantine/core'
import { useState } from 'react'
import { useWords } from '../words.ts'

export interface Pages<Place> {
  /** Where the shown page begins; null: at the beginning. */
  after: Place | null
  number: number
  next(after: Place): void
  back(): void
  first(): void
}

/** A way through a list whose pages are known only one by one. */
export function usePages<Place>(): Pages<Place> {
  const [way, setWay] = useState<Place[]>([])
  return {
    after: way.at(-1) ?? null,
    number: way.length + 1,
    next: (after) => setWay([...way, after]),
    back: () => setWay(way.slice(0, -1)),
    first: () => setWay([]),
  }
}

interface PagerProps<Place> {
  pages: Pages<Place>
  /** Where the next page begins; null: this is the last. */
  next: Place | null
  label: string
}

export function Pager<Place>({ pages, next, label }: PagerProps<Place>) {
  const { words } = useWords()
  if (pages.number === 1 && next === null) return null
  return (
    <nav className="row row-center" aria-label={label}>
      {/* Not disabled at the ends: that would take the focus from whoever pages by keyboard. */}
      <Button variant="default" aria-disabled={pages.number === 1} onClick={() => pages.number > 1 && pages.back()}>
        {words.pager.previous}
      </Button>
      <span className="numbers" role="status">
        {words.pager.page(pages.number)}
      </span>
      <Button variant="default" aria-disabled={next === null} onClick={() => next !== null && pages.next(next)}>
        {words.pager.next}
      </Button>
    </nav>
  )
}
