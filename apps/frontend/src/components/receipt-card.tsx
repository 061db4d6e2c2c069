import type { Receipt, ReceiptStatus } from '@urna/contracts'
import { type ReactNode, useRef } from 'react'
import { getReceipt } from '../api.ts'
import { useTexts } from '../language.tsx'
import { type Loaded, useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { CopyButton } from './copy-button.tsx'
import { FailureNotice } from './failure-notice.tsx'

const oftenDelay = 1_000
const seldomDelay = 10_000
const oftenTimes = 30

export const receiptMarks: Record<ReceiptStatus, string> = {
  received: '…',
  counted: '✓',
  replaced: '↻',
  rejected: '✕',
  late: '✕',
  lost: '!',
}

export type FollowedReceipt = Loaded<Receipt> & { loadNow: () => void }

/** What became of a ballot; asks until it is counted or not. Give the component a `key` where the receipt changes. */
export function useReceipt(receipt: string): FollowedReceipt {
  return useLoader<Receipt>({
    load: (signal) => getReceipt(receipt, signal),
    again: ({ status }, times) => {
      if (status !== 'received') return null
      return times < oftenTimes ? oftenDelay : seldomDelay
    },
  })
}

/** A receipt to keep. */
export function ReceiptCard({ receipt, children }: { receipt: string; children?: ReactNode }) {
  const { receipt: texts } = useTexts()
  const shown = useRef<HTMLElement>(null)
  return (
    <div className="card receipt">
      {children}
      <p className="label">{texts.text}</p>
      <code className="receipt-text" ref={shown}>
        {receipt}
      </code>
      <div className="actions">
        <CopyButton text={receipt} shownIn={shown} />
        <Link to={paths.receipt(receipt)}>{texts.checkLater}</Link>
      </div>
      <p className="soft">{texts.keep}</p>
    </div>
  )
}

/** A receipt, and what became of its ballot. */
export function FollowedReceiptCard({ receipt }: { receipt: string }) {
  return (
    <ReceiptCard receipt={receipt}>
      <ReceiptStatusLine followed={useReceipt(receipt)} />
    </ReceiptCard>
  )
}

function ReceiptStatusLine({ followed: { value, failure, loadNow } }: { followed: FollowedReceipt }) {
  const { receipt: texts } = useTexts()
  if (failure?.reason === 'refused') return <FailureNotice failure={failure} tryNow={loadNow} />
  return (
    <div role="status">
      {value === null && <p className="soft">{failure === null ? texts.checking : texts.checkFailed}</p>}
      {value !== null && <StatusAndMeaning status={value.status} />}
    </div>
  )
}

export function StatusAndMeaning({ status }: { status: ReceiptStatus }) {
  const { receipt: texts } = useTexts()
  return (
    <>
      <p className={`status status-${status}`}>
        <span aria-hidden="true">{receiptMarks[status]}</span> {texts.statuses[status]}
      </p>
      <p>{texts.meanings[status]}</p>
    </>
  )
}
