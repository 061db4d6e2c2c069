import { Button, NativeSelect } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { saveFile } from '../save-file.ts'
import { codesCsv, grouped, linkOf, type MadeCode } from '../voting-code.ts'
import { useWords } from '../words.ts'
import { QrCode } from './qr-code.tsx'

/** So many slips at a time: more would make a browser slow to lay out and to print. */
const atOnceMax = 240

interface CodeSheetProps {
  pollId: string
  title: string
  codes: readonly MadeCode[]
  /** They have been printed or saved, as far as this page can know. */
  onKept: () => void
}

/** Voting codes as slips to cut and hand out. The only time that they are shown. */
export function CodeSheet({ pollId, title, codes, onKept }: CodeSheetProps) {
  const { words } = useWords()
  const [columns, setColumns] = useState<2 | 3>(2)
  const [part, setPart] = useState(0)
  const parts = Math.ceil(codes.length / atOnceMax)
  const shown = codes.slice(part * atOnceMax, (part + 1) * atOnceMax)
  const [keptParts, setKeptParts] = useState<ReadonlySet<number>>(new Set())

  const heading = useRef<HTMLHeadingElement>(null)
  // It comes above the form: who made the codes is led to them.
  useEffect(() => heading.current?.focus(), [])

  function printed() {
    print()
    const kept = new Set(keptParts).add(part)
    setKeptParts(kept)
    if (kept.size === parts) onKept()
  }

  return (
    <section className="stack" aria-labelledby="sheet-heading">
      <div className="not-printed stack">
        <h2 id="sheet-heading" ref={heading} tabIndex={-1}>
          {words.codes.made(codes.length)}
        </h2>
        <p>{words.codes.once}</p>
        <div className="row">
          <NativeSelect
            label={words.codes.perRow}
            value={String(columns)}
            onChange={(event) => setColumns(event.target.value === '3' ? 3 : 2)}
            data={['2', '3']}
          />
          {parts > 1 && (
            <NativeSelect
              label={words.codes.part}
              value={String(part)}
              onChange={(event) => setPart(Number(event.target.value))}
              data={Array.from({ length: parts }, (_, index) => ({
                value: String(index),
                label: words.codes.partOf(index * atOnceMax + 1, Math.min(codes.length, (index + 1) * atOnceMax)),
              }))}
            />
          )}
          <Button onClick={printed}>{words.codes.print}</Button>
          <Button
            variant="default"
            onClick={() => {
              saveFile(`codes-${pollId}.csv`, codesCsv(codes, location.origin, pollId), 'text/csv;charset=utf-8')
              onKept()
            }}
          >
            {words.codes.csv}
          </Button>
        </div>
      </div>
      <ul className={`code-sheet code-sheet-${columns}`} aria-label={words.codes.sheet}>
        {shown.map(({ id, label, code }) => (
          <li key={id} className={`code-slip code-slip-${columns}`}>
            <p>
              <strong>{title}</strong>
            </p>
            {label !== '' && <p>{label}</p>}
            <QrCode text={linkOf(location.origin, pollId, code)} />
            <p className="code-text">{grouped(code)}</p>
            <p className="code-link">{linkOf(location.origin, pollId, code)}</p>
          </li>
        ))}
      </ul>
    </section>
  )
}
