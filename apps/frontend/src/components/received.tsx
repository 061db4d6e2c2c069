import { useEffect, useRef } from 'react'
import { useTexts } from '../language.tsx'
import { Link, paths } from '../router.tsx'
import { FailureNotice } from './failure-notice.tsx'
import { ReceiptCard, receiptMarks, useReceipt } from './receipt-card.tsx'

interface ReceivedProps {
  pollId: string
  receipt: string
  /** Null where the vote cannot be changed. */
  onChange: (() => void) | null
}

/** What becomes of the vote that was just sent, followed until it is counted. */
export function Received({ pollId, receipt, onChange }: ReceivedProps) {
  const texts = useTexts()
  const { value, failure, loadNow } = useReceipt(receipt)
  const status = value?.status ?? 'received'
  const heading = useRef<HTMLHeadingElement>(null)
  // The button that had the focus is gone: without this, keyboard and screen reader would be sent to the top of the page.
  useEffect(() => heading.current?.focus(), [])
  return (
    <section className="outcome" aria-labelledby="outcome">
      <div role="status" className="outcome-words">
        <h2 id="outcome" className={`status-${status}`} tabIndex={-1} ref={heading}>
          <span aria-hidden="true">{receiptMarks[status]}</span> {texts.vote.outcomes[status]}
        </h2>
        <p>{texts.receipt.meanings[status]}</p>
        {value === null && failure !== null && failure.reason !== 'refused' && <p className="soft">{texts.receipt.checkFailed}</p>}
      </div>
      {failure?.reason === 'refused' && <FailureNotice failure={failure} tryNow={loadNow} />}
      <ReceiptCard receipt={receipt} />
      <p className="actions">
        <Link to={paths.results(pollId)} className="button">
          {texts.vote.seeResults}
        </Link>
        {onChange !== null && (
          <button type="button" className="button button-quiet" onClick={onChange}>
            {texts.vote.changeAfter}
          </button>
        )}
      </p>
    </section>
  )
}
