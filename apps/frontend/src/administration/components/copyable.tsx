import { Button } from '@mantine/core'
import { useRef, useState } from 'react'
import { useWords } from '../words.ts'

/** A text that people take elsewhere, with a button that copies it. */
export function Copyable({ text }: { text: string }) {
  const { words, texts } = useWords()
  const place = useRef<HTMLElement>(null)
  const [outcome, setOutcome] = useState<'copied' | 'selected' | null>(null)

  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setOutcome('copied')
    } catch {
      // No clipboard on plain http, and none without permission.
      if (place.current !== null) getSelection()?.selectAllChildren(place.current)
      setOutcome('selected')
    }
  }

  return (
    <>
      <code className="copyable" ref={place}>
        {text}
      </code>
      <div className="form-end">
        <Button variant="default" onClick={() => void copy()}>
          {words.secret.copy}
        </Button>
        <span className="soft" role="status">
          {outcome === 'copied' && texts.receipt.copied}
          {outcome === 'selected' && words.secret.selected}
        </span>
      </div>
    </>
  )
}
