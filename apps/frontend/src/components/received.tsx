import type { Poll, ReceiptStatus } from '@urna/contracts'
import { type ReactNode, useEffect, useRef } from 'react'
import { getOwnBallot } from '../api.ts'
import { sameAnswers } from '../ballot-answers.ts'
import { type SentBallot, saveSent } from '../ballot-storage.ts'
import { useTexts } from '../language.tsx'
import { useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { knownKey, type Voter } from '../voter.ts'
import { FailureNotice } from './failure-notice.tsx'
import { OwnVote } from './own-vote.tsx'
import { type FollowedReceipt, ReceiptCard, receiptMarks, useReceipt } from './receipt-card.tsx'

interface ReceivedProps {
  poll: Poll
  voter: Voter
  ballot: SentBallot
  /** Null where the vote cannot be changed. */
  onChange: (() => void) | null
}

/** What becomes of the vote that was just sent, followed until it is counted. */
export function Received({ poll, voter, ballot, onChange }: ReceivedProps) {
  const { vote: texts } = useTexts()
  const followed = useReceipt(ballot.receipt)
  const status = followed.value?.status ?? 'received'
  return (
    <section className="outcome" aria-labelledby="outcome">
      {status === 'rejected' ? (
        <Rejected poll={poll} voter={voter} ballot={ballot} />
      ) : (
        <Outcome status={status} receipt={ballot.receipt} failed={followed} />
      )}
      <p className="actions">
        <Link to={paths.results(poll.id)} className="button">
          {texts.seeResults}
        </Link>
        {onChange !== null && (
          <button type="button" className="button button-quiet" onClick={onChange}>
            {texts.changeAfter}
          </button>
        )}
      </p>
    </section>
  )
}

/**
 * Where votes cannot be changed, of two the first one counts. If that was an earlier try of this very vote, whose answer was lost on the
 * way, then the vote is counted, and saying anything else would be wrong.
 */
function Rejected({ poll, voter, ballot }: { poll: Poll; voter: Voter; ballot: SentBallot }) {
  const { vote: texts } = useTexts()
  // In an object, because none is an answer too.
  const { value } = useLoader({ load: async (signal) => ({ own: await getOwnBallot(voter, knownKey(voter), signal) }) })
  const own = value?.own ?? null
  useEffect(() => {
    if (own !== null) saveSent(voter.name, { ...own, receivedAt: ballot.receivedAt })
  }, [own, voter.name, ballot.receivedAt])
  if (own === null) return <Outcome status={value === null ? 'received' : 'rejected'} receipt={ballot.receipt} />
  if (sameAnswers(own.answers, ballot.answers)) return <Outcome status="counted" receipt={own.receipt} />
  return (
    <Outcome status="replaced" title={texts.earlierCounts} meaning={texts.changesNotAllowed} receipt={own.receipt}>
      <OwnVote poll={poll} answers={own.answers} />
    </Outcome>
  )
}

interface OutcomeProps {
  status: ReceiptStatus
  title?: string
  meaning?: string
  receipt: string
  /** Why the status is not known, if it is not. */
  failed?: FollowedReceipt
  children?: ReactNode
}

function Outcome({ status, title, meaning, receipt, failed, children }: OutcomeProps) {
  const texts = useTexts()
  const heading = useRef<HTMLHeadingElement>(null)
  // The button that had the focus is gone: without this, keyboard and screen reader would be sent to the top of the page.
  useEffect(() => heading.current?.focus(), [])
  const unknown = failed !== undefined && failed.value === null ? failed.failure : null
  return (
    <>
      <div role="status" className="outcome-words">
        <h2 id="outcome" className={`status-${status}`} tabIndex={-1} ref={heading}>
          <span aria-hidden="true">{receiptMarks[status]}</span> {title ?? texts.vote.outcomes[status]}
        </h2>
        <p>{meaning ?? texts.receipt.meanings[status]}</p>
        {unknown !== null && unknown.reason !== 'refused' && <p className="soft">{texts.receipt.checkFailed}</p>}
      </div>
      {unknown?.reason === 'refused' && <FailureNotice failure={unknown} tryNow={failed?.loadNow ?? (() => {})} />}
      {children}
      <ReceiptCard receipt={receipt} />
    </>
  )
}
