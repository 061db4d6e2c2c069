import { type RefObject, useState } from 'react'

/** Copies a text; `selected`: it could not, and selected the element that shows it, for the person to copy. */
export function useCopy(text: string, shownIn: RefObject<HTMLElement | null>) {
  const [outcome, setOutcome] = useState<'copied' | 'selected' | null>(null)

  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      // No clipboard on plain http, and none without permission.
      if (shownIn.current !== null) getSelection()?.selectAllChildren(shownIn.current)
      setOutcome('selected')
    }
  }

  return { outcome, copy }
}
