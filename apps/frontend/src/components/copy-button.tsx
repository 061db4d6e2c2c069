import { type RefObject, useState } from 'react'
import { texts } from '../texts.ts'

interface CopyButtonProps {
  text: string
  /** The element that shows the text: it is selected where the clipboard is not to be had. */
  shownIn: RefObject<HTMLElement | null>
}

export function CopyButton({ text, shownIn }: CopyButtonProps) {
  const [outcome, setOutcome] = useState('')

  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome(texts.receipt.copied)
    } catch {
      // No clipboard on plain http, and none without permission.
      if (shownIn.current !== null) getSelection()?.selectAllChildren(shownIn.current)
      setOutcome(texts.receipt.selectToCopy)
    }
  }

  return (
    <div className="actions">
      <button type="button" className="button button-quiet" onClick={() => void copy()}>
        {texts.receipt.copy}
      </button>
      <span className="soft" role="status">
        {outcome}
      </span>
    </div>
  )
}
