import type { Poll } from '@urna/contracts'
import { type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { type ApiFailure, getPoll } from '../api.ts'
import { ballotSender, lastFailure } from '../ballot-sender.ts'
import { readPending } from '../ballot-storage.ts'
import { AccessNotice } from '../components/access-notice.tsx'
import { BallotForm } from '../components/ballot-form.tsx'
import { FailureNotice, RefusalNotice } from '../components/failure-notice.tsx'
import { OwnVote } from '../components/own-vote.tsx'
import { PollHeading } from '../components/poll-heading.tsx'
import { QuestionPreview } from '../components/question-preview.tsx'
import { FollowedReceiptCard } from '../components/receipt-card.tsx'
import { Received } from '../components/received.tsx'
import type { VoterGateProps } from '../components/voter-gate.tsx'
import { type EarlierBallot, findEarlierBallot } from '../earlier-ballot.ts'
import { useTexts } from '../language.tsx'
import { loadPart } from '../load-part.ts'
import { useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { serverNowMs } from '../server-clock.ts'
import { usePageTitle } from '../use-page-title.ts'
import { anybody, type Voter } from '../voter.ts'
import { heldCode, takeCodeFromAddress } from '../voting-code.ts'
import { isNoSuchPoll, PollNotFoundPage } from './not-found-page.tsx'

export function VotePage({ pollId }: { pollId: string }) {
  const texts = useTexts()
  const codes = useCodesOfAddress(pollId)
  // Asked with the poll, so that nobody waits twice: in most polls the voter is this browser. Whoever has a code is somebody else.
  const [findEarlier] = useState(() =>
    onceFound(async (signal) => (heldCode(pollId) === null ? findEarlierBallot(anybody(pollId), signal) : null)),
  )
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
      <AccessNotice level={poll.access} />
      {poll.access === 'open' || poll.access === 'guarded' ? (
        <Ballot poll={poll} voter={anybody(poll.id, poll.access)} earlier={earlier} lookAgain={loadNow} />
      ) : (
        <LoadedGate key={codes} poll={poll}>
          {(voter, earlierOfVoter, onRefused) => (
            <Ballot key={voter.name} poll={poll} voter={voter} earlier={earlierOfVoter} lookAgain={loadNow} onRefused={onRefused} />
          )}
        </LoadedGate>
      )}
    </>
  )
}

/** Takes voting codes out of the address: at first, and when another personal link is opened in this tab, which loads no page. How many there were. */
function useCodesOfAddress(pollId: string): number {
  const [codes, setCodes] = useState(() => (takeCodeFromAddress(pollId) ? 1 : 0))
  useEffect(() => {
    const look = () => {
      if (takeCodeFromAddress(pollId)) setCodes((count) => count + 1)
    }
    addEventListener('hashchange', look)
    return () => removeEventListener('hashchange', look)
  }, [pollId])
  return codes
}

/** What only polls of codes and accounts need comes when such a poll is there. */
function LoadedGate(props: VoterGateProps): ReactNode {
  const { poll: texts } = useTexts()
  const { value, failure, loadNow } = useLoader({ load: () => loadPart(() => import('../components/voter-gate.tsx')) })
  if (value !== null) return <value.VoterGate {...props} />
  if (failure !== null) return <FailureNotice failure={failure} tryNow={loadNow} />
  return (
    <p className="soft" role="status">
      {texts.loading}
    </p>
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

interface BallotProps {
  poll: Poll
  voter: Voter
  earlier: EarlierBallot | null
  lookAgain: () => void
  onRefused?: (failure: ApiFailure) => void
}

function Ballot({ poll, voter, earlier, lookAgain, onRefused }: BallotProps) {
  const sender = ballotSender(voter)
  const state = useSyncExternalStore(sender.subscribe, sender.state)
  const { vote: texts } = useTexts()
  const [changing, setChanging] = useState(false)

  useEffect(() => sender.resume(), [sender])
  useEffect(() => {
    // A refusal that is not about the answers often means that the poll has changed meanwhile.
    if (state.step === 'refused' && state.failure.status !== 422) lookAgain()
  }, [state, lookAgain])
  const refusal = state.step === 'refused' ? state.failure : null
  // Each refusal once, and none of an earlier visit: what was done about it is not asked for again.
  const toldRefusal = useRef(refusal)
  useEffect(() => {
    if (refusal === null || refusal === toldRefusal.current) return
    toldRefusal.current = refusal
    onRefused?.(refusal)
  }, [refusal, onRefused])

  if (state.step === 'received' && !changing) {
    const changeable = poll.changesAllowed && poll.state === 'open'
    return (
      <Received
        key={state.ballot.receipt}
        poll={poll}
        voter={voter}
        ballot={state.ballot}
        onChange={changeable ? () => setChanging(true) : null}
      />
    )
  }

  const voted = sender.confirmed() ?? earlier
  const pending = readPending(voter.name)
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
