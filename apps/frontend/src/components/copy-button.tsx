import type { RefObject } from 'react'
import { useTexts } from '../language.tsx'
import { useCopy } from '../use-copy.ts'

interface CopyButtonProps {
  text: string
  /** The element that shows the text: it is selected where the clipboard is not to be had. */
  shownIn: RefObject<HTMLElement | null>
}

export function CopyButton({ text, shownIn }: CopyButtonProps) {
  const { receipt: texts } = useTexts()
  const { outcome, copy } = useCopy(text, shownIn)
  return (
    <>
      <button type="button" className="button button-quiet" onClick={() => void copy()}>
        {texts.copy}
      </button>
      <span className="soft" role="status">
        {outcome === 'copied' && texts.copied}
        {outcome === 'selected' && texts.selectToCopy}
      </span>
    </>
  )
}
