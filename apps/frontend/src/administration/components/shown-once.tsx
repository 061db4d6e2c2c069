import { Button } from '@mantine/core'
import { useRef, useState } from 'react'
import { useWords } from '../words.ts'

/** A secret that is shown this one time, with a button that copies it. */
export function ShownOnce({ secret, label }: { secret: string; label: string }) {
  const { words, texts } = useWords()
  const place = useRef<HTMLElement>(null)
  const [outcome, setOutcome] = useState<'copied' | 'selected' | null>(null)

  async function copy() {
    try {
      await navigator.clipboard.writeText(secret)
      setOutcome('copied')
    } catch {
      // No clipboard on plain http, and none without permission.
      if (place.current !== null) getSelection()?.selectAllChildren(place.current)
      setOutcome('selected')
    }
  }

  return (
    <div className="stack">
      <p>
        <strong>{label}</strong> {words.secret.once}
      </p>
      <code className="secret" ref={place}>
        {secret}
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
    </div>
  )
}
