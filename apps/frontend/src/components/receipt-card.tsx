import type { Receipt, ReceiptStatus } from '@urna/contracts'
import { useRef } from 'react'
import { getReceipt } from '../api.ts'
import { useLoader } from '../loader.ts'
import { texts } from '../texts.ts'
import { CopyButton } from './copy-button.tsx'
import { FailureNotice } from './failure-notice.tsx'

const oftenDelay = 1_000
const seldomDelay = 10_000
const oftenTimes = 30

const marks: Record<ReceiptStatus, string> = { received: '…', counted: '✓', replaced: '↻', rejected: '✕', late: '✕', lost: '!' }

/** A receipt, and what became of its ballot; asks until the ballot is counted or not. */
export function ReceiptCard({ receipt }: { receipt: string }) {
  const shown = useRef<HTMLElement>(null)
  return (
    <div className="card receipt">
      <ReceiptStatusLine key={receipt} receipt={receipt} />
      <p className="label">{texts.receipt.text}</p>
      <code className="receipt-text" ref={shown}>
        {receipt}
      </code>
      <CopyButton text={receipt} shownIn={shown} />
      <p className="soft">{texts.receipt.keep}</p>
    </div>
  )
}

function ReceiptStatusLine({ receipt }: { receipt: string }) {
  const { value, failure, loadNow } = useLoader<Receipt>({
    load: (signal) => getReceipt(receipt, signal),
    again: ({ status }, times) => {
      if (status !== 'received') return null
      return times < oftenTimes ? oftenDelay : seldomDelay
    },
  })
  if (failure?.reason === 'refused') return <FailureNotice failure={failure} tryNow={loadNow} />
  return (
    <div role="status">
      {value === null && <p className="soft">{failure === null ? texts.receipt.checking : texts.receipt.checkFailed}</p>}
      {value !== null && <StatusAndMeaning receipt={value} />}
    </div>
  )
}

export function StatusAndMeaning({ receipt: { status, detail } }: { receipt: Receipt }) {
  return (
    <>
      <p className={`status status-${status}`}>
        <span aria-hidden="true">{marks[status]}</span> {texts.receipt.statuses[status]}
      </p>
      <p>{detail}</p>
    </>
  )
}
