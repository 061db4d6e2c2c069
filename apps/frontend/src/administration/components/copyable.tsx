import { Button } from '@mantine/core'
import { useRef } from 'react'
import { useCopy } from '../../use-copy.ts'
import { useWords } from '../words.ts'

/** A text that people take elsewhere, with a button that copies it. */
export function Copyable({ text }: { text: string }) {
  const { words, texts } = useWords()
  const place = useRef<HTMLElement>(null)
  const { outcome, copy } = useCopy(text, place)
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
