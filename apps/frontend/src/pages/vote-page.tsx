import type { Poll } from '@urna/contracts'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { getOwnBallot, getPoll, getReceipt } from '../api.ts'
import { ballotSender, lastFailure } from '../ballot-sender.ts'
import { type Answers, forgetSent, readOwnKey, readPending, readSent } from '../ballot-storage.ts'
import { BallotForm } from '../components/ballot-form.tsx'
import { FailureNotice, RefusalNotice } from '../components/failure-notice.tsx'
import { OwnVote } from '../components/own-vote.tsx'
import { PollHeading } from '../components/poll-heading.tsx'
import { QuestionPreview } from '../components/question-preview.tsx'
import { FollowedReceiptCard } from '../components/receipt-card.tsx'
import { Received } from '../components/received.tsx'
import { useTexts } from '../language.tsx'
import { useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { serverNowMs } from '../server-clock.ts'
import { usePageTitle } from '../use-page-title.ts'
import { isNoSuchPoll, PollNotFoundPage } from './not-found-page.tsx'

/** What this voter has voted before, as the server or this browser knows it. */
interface EarlierBallot {
  receipt: string
  answers: Answers
}

export function VotePage({ pollId }: { pollId: string }) {
  const texts = useTexts()
  const [findEarlier] = useState(() => onceFound((signal) => findEarlierBallot(pollId, signal)))
  const { value, failure, loadNow } = useLoader({
    load: async (signal) => {
      const [poll, earlier] = await Promise.all([getPoll(pollId, signal), findEarlier(signal)])
      return { poll, earlier }
    },
    again: ({ poll }) => nextLook(poll),
  })
  usePageTitle(value?.poll.title ?? '')

  if (failure !== null && isNoSuchPoll(failure)) return <PollNotFoundPage deleted={failure.status === 410} />
  if (value === null) {
    if (failure !== null) return <FailureNotice failure={failure} tryNow={loadNow} />
    return (
      <p className="soft" role="status">
        {texts.poll.loading}
      </p>
    )
  }
  const { poll, earlier } = value
  return (
    <>
      <PollHeading poll={poll} />
      <Ballot poll={poll} earlier={earlier} lookAgain={loadNow} />
    </>
  )
}

const lookDelay = 60_000
const overdueDelay = 10_000

/** Opening and closing are the server's to say, so the page looks then; and now and again, as a poll may be closed early. */
function nextLook(poll: Poll): number | null {
  if (poll.state === 'closed') return null
  const change = poll.state === 'open' ? poll.closesAt : poll.opensAt
  if (change === null) return lookDelay
  const left = Date.parse(change) - serverNowMs()
  // The random part spreads the crowd that waits for the same second.
  return left < 0 ? overdueDelay : Math.min(lookDelay, left + 500 + Math.random() * 2_000)
}

/** The poll is looked at every minute, the earlier ballot once: only this page changes it while it is open, and knows what it sent. */
function onceFound(find: (signal: AbortSignal) => Promise<EarlierBallot | null>): typeof find {
  let found: Promise<EarlierBallot | null> | undefined
  return (signal) => {
    if (found !== undefined) return found
    const finding = find(signal)
    found = finding
    // Given up half-way (the page was left and opened again), it knows nothing.
    const forget = () => {
      if (found === finding) found = undefined
    }
    signal.addEventListener('abort', forget)
    void finding.then(() => signal.removeEventListener('abort', forget))
    return finding
  }
}

const countedDelay = 60_000

async function findEarlierBallot(pollId: string, signal: AbortSignal): Promise<EarlierBallot | null> {
  const sent = readSent(pollId)
  // Just sent: the server may show it only when it is counted, and until then an older one.
  if (sent !== null && serverNowMs() - Date.parse(sent.receivedAt) < countedDelay) return sent
  try {
    const own = await getOwnBallot(pollId, readPending(pollId)?.key ?? readOwnKey(), signal)
    if (own !== null || sent === null) return own
    // The server has no ballot of this voter, though it once confirmed one. If that one is lost or does not count, the voter may vote.
    const { status } = await getReceipt(sent.receipt, signal)
    if (status !== 'lost' && status !== 'rejected') return sent
    forgetSent(pollId)
    return null
  } catch {
    // Not knowing the earlier ballot must not keep anybody from voting.
    return sent
  }
}

interface BallotProps {
  poll: Poll
  earlier: EarlierBallot | null
  lookAgain: () => void
}

function Ballot({ poll, earlier, lookAgain }: BallotProps) {
  const sender = ballotSender(poll.id)
  const state = useSyncExternalStore(sender.subscribe, sender.state)
  const { vote: texts } = useTexts()
  const [changing, setChanging] = useState(false)

  useEffect(() => sender.resume(), [sender])
  useEffect(() => {
    // A refusal that is not about the answers often means that the poll has changed meanwhile.
    if (state.step === 'refused' && state.failure.status !== 422) lookAgain()
  }, [state, lookAgain])

  if (state.step === 'received' && !changing) {
    const changeable = poll.changesAllowed && poll.state === 'open'
    return <Received key={state.ballot.receipt} poll={poll} ballot={state.ballot} onChange={changeable ? () => setChanging(true) : null} />
  }

  const voted = sender.confirmed() ?? earlier
  const pending = readPending(poll.id)
  const underWay = state.step === 'sending' || state.step === 'waiting'
  if (!underWay && poll.state !== 'open') {
    return (
      <>
        {state.step === 'refused' && <RefusalNotice failure={state.failure} title={texts.refused} />}
        <NotOpen poll={poll} mayHaveArrived={pending?.mayHaveArrived ?? false} />
        {voted !== null && <Voted poll={poll} ballot={voted} />}
        {poll.state === 'scheduled' && <QuestionPreview poll={poll} />}
        {poll.state === 'closed' && (
          <p className="actions">
            <Link to={paths.results(poll.id)} className="button">
              {texts.seeResults}
            </Link>
          </p>
        )}
      </>
    )
  }
  if (!underWay && voted !== null && !poll.changesAllowed) {
    return (
      <>
        <p className="notice">
          <strong>{texts.alreadyVoted}</strong> {texts.alreadyVotedFixed}
        </p>
        <Voted poll={poll} ballot={voted} />
        <p className="actions">
          <Link to={paths.results(poll.id)} className="button">
            {texts.seeResults}
          </Link>
        </p>
      </>
    )
  }
  return (
    <>
      {voted === null && lastFailure(state) === null && (
        <p className="soft">{poll.changesAllowed ? texts.changesAllowed : texts.changesNotAllowed}</p>
      )}
      {voted !== null && (
        <div className="notice">
          <p>
            <strong>{texts.alreadyVoted}</strong> {texts.alreadyVotedHint}
          </p>
          <p className="actions">
            <Link to={paths.results(poll.id)}>{texts.seeResults}</Link>
          </p>
          <details>
            <summary>{texts.yourReceipt}</summary>
            <FollowedReceiptCard key={voted.receipt} receipt={voted.receipt} />
          </details>
        </div>
      )}
      {!underWay && pending?.mayHaveArrived && (
        <p className="notice notice-waiting">{poll.changesAllowed ? texts.maybeArrivedReplace : texts.maybeArrivedFixed}</p>
      )}
      <BallotForm
        poll={poll}
        answers={pending?.answers ?? voted?.answers ?? []}
        voted={voted?.answers ?? null}
        takesFocus={changing}
        state={state}
        sender={sender}
        onSend={() => setChanging(false)}
      />
    </>
  )
}

function NotOpen({ poll, mayHaveArrived }: { poll: Poll; mayHaveArrived: boolean }) {
  const { vote: texts } = useTexts()
  const closed = poll.state === 'closed'
  return (
    <div className={closed ? 'notice notice-closed' : 'notice notice-waiting'} role="status">
      <p>{closed ? texts.closedHint : texts.notOpenYetHint}</p>
      {closed && mayHaveArrived && <p>{texts.maybeArrivedInTime}</p>}
    </div>
  )
}

function Voted({ poll, ballot }: { poll: Poll; ballot: EarlierBallot }) {
  return (
    <>
      <OwnVote poll={poll} answers={ballot.answers} />
      <FollowedReceiptCard key={ballot.receipt} receipt={ballot.receipt} />
    </>
  )
}
