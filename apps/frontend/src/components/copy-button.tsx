import { type RefObject, useState } from 'react'
import { useTexts } from '../language.tsx'

interface CopyButtonProps {
  text: string
  /** The element that shows the text: it is selected where the clipboard is not to be had. */
  shownIn: RefObject<HTMLElement | null>
}

export function CopyButton({ text, shownIn }: CopyButtonProps) {
  const { receipt: texts } = useTexts()
  const [outcome, setOutcome] = useState<'copied' | 'selectToCopy' | null>(null)

  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      // No clipboard on plain http, and none without permission.
      if (shownIn.current !== null) getSelection()?.selectAllChildren(shownIn.current)
      setOutcome('selectToCopy')
    }
  }

  return (
    <>
      <button type="button" className="button button-quiet" onClick={() => void copy()}>
        {texts.copy}
      </button>
      <span className="soft" role="status">
        {outcome !== null && texts[outcome]}
      </span>
    </>
  )
}
