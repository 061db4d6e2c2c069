import type { Poll } from '@urna/contracts'
import { type ReactNode, type SubmitEvent, useEffect, useRef, useState } from 'react'
import { type ApiFailure, getMe } from '../api.ts'
import { codeVoter } from '../code-voter.ts'
import { describeFailure } from '../describe-failure.ts'
import { type EarlierBallot, findEarlierBallot } from '../earlier-ballot.ts'
import { useTexts } from '../language.tsx'
import { useLoader } from '../loader.ts'
import { anybody, noteVoter, type Voter } from '../voter.ts'
import { findVotingCode, forgetCode, heldCode, keepCode } from '../voting-code.ts'
import { FailureNotice, RefusalNotice } from './failure-notice.tsx'

export interface VoterGateProps {
  poll: Poll
  /** The ballot, once it is known who votes. `onRefused`: the server does not take this voter any more. */
  children: (voter: Voter, earlier: EarlierBallot | null, onRefused: (failure: ApiFailure) => void) => ReactNode
}

/** Finds out who votes in polls where it is not simply this browser. Loaded only there. */
export function VoterGate(props: VoterGateProps) {
  return props.poll.access === 'code' ? <CodeGate {...props} /> : <AccountGate {...props} />
}

function CodeGate({ poll, children }: VoterGateProps) {
  const texts = useTexts()
  const [typed, setTyped] = useState(() => heldCode(poll.id) ?? '')
  const [asked, setAsked] = useState(typed !== '')
  const [fault, setFault] = useState<string | null>(null)
  const code = asked ? findVotingCode(typed) : null

  function refuse(failure: ApiFailure) {
    // Not a word about another voter's code after a reload.
    forgetCode(poll.id)
    setFault(describeFailure(texts, failure))
    setAsked(false)
  }

  if (code !== null) {
    const voter = codeVoter(poll.id, code)
    return (
      <>
        <WithEarlierBallot key={voter.name} voter={voter} onRefused={refuse}>
          {(earlier) => children(voter, earlier, (failure) => isAboutCode(failure) && refuse(failure))}
        </WithEarlierBallot>
        <p className="soft">
          {texts.access.codeInUse}{' '}
          <button
            type="button"
            className="link-button"
            onClick={() => {
              forgetCode(poll.id)
              setTyped('')
              setFault(null)
              setAsked(false)
            }}
          >
            {texts.access.otherCode}
          </button>
        </p>
      </>
    )
  }
  if (poll.state !== 'open') return children(anybody(poll.id), null, () => {})
  return (
    <CodeField
      typed={typed}
      fault={fault ?? (asked ? texts.access.codeFault : null)}
      onType={(text) => {
        setTyped(text)
        setFault(null)
        setAsked(false)
      }}
      onSubmit={() => {
        setFault(null)
        setAsked(true)
        if (findVotingCode(typed) !== null) keepCode(poll.id, typed)
      }}
    />
  )
}

function isAboutCode({ problemName }: ApiFailure): boolean {
  return problemName === 'code-invalid' || problemName === 'code-revoked' || problemName === 'code-required'
}

interface CodeFieldProps {
  typed: string
  fault: string | null
  onType: (text: string) => void
  onSubmit: () => void
}

function CodeField({ typed, fault, onType, onSubmit }: CodeFieldProps) {
  const { access: texts } = useTexts()
  const field = useRef<HTMLInputElement>(null)
  // What was to be voted on is gone, or never came: the field is where the voter goes on.
  useEffect(() => {
    if (fault !== null) field.current?.focus()
  }, [fault])

  function submit(event: SubmitEvent) {
    event.preventDefault()
    onSubmit()
    // The same fault again is no change: without this nothing would say so.
    field.current?.focus()
  }

  return (
    <form className="field" onSubmit={submit} noValidate>
      <label htmlFor="voting-code">{texts.codeLabel}</label>
      <p className="soft" id="voting-code-hint">
        {texts.codeHint}
      </p>
      <div className="field-row">
        <input
          id="voting-code"
          ref={field}
          value={typed}
          onChange={(event) => onType(event.target.value)}
          aria-describedby="voting-code-hint voting-code-fault"
          aria-invalid={fault !== null}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <button type="submit" className="button button-main">
          {texts.codeButton}
        </button>
      </div>
      <p className="fault" id="voting-code-fault" role="alert">
        {fault}
      </p>
    </form>
  )
}

function AccountGate({ poll, children }: VoterGateProps) {
  const { access: texts, poll: pollTexts } = useTexts()
  // In an object, because nobody is an answer too.
  const { value, failure, loadNow } = useLoader({ load: async (signal) => ({ me: await getMe(signal) }) })
  const [refusal, setRefusal] = useState<ApiFailure | null>(null)

  if (value === null) {
    return failure === null ? (
      <p className="soft" role="status">
        {pollTexts.loading}
      </p>
    ) : (
      <FailureNotice failure={failure} tryNow={loadNow} />
    )
  }
  const user = value.me?.user ?? null
  if (user === null || refusal?.problemName === 'unauthorized') {
    if (poll.state !== 'open') return children(anybody(poll.id), null, () => {})
    return (
      <div className="notice">
        <p>{texts.signInFirst}</p>
        <p className="actions">
          {/* Another entry of the site: it is loaded, not gone to. */}
          <a className="button button-main" href={`/admin/sign-in?next=${encodeURIComponent(`/p/${poll.id}`)}`}>
            {texts.signIn}
          </a>
        </p>
      </div>
    )
  }
  const voter: Voter = { pollId: poll.id, level: 'account', name: `${poll.id}:user-${user.id}`, code: null }
  const fullName = [user.name, user.secondName].filter((part) => part !== '').join(' ')
  return (
    <>
      <p>{texts.voteAs(fullName === '' ? user.username : `${fullName} (${user.username})`)}</p>
      {refusal !== null ? (
        <RefusalNotice failure={refusal} />
      ) : (
        <WithEarlierBallot key={voter.name} voter={voter} onRefused={setRefusal}>
          {(earlier) => children(voter, earlier, (sent) => isAboutAccount(sent) && setRefusal(sent))}
        </WithEarlierBallot>
      )}
    </>
  )
}

function isAboutAccount({ problemName }: ApiFailure): boolean {
  return problemName === 'unauthorized' || problemName === 'not-on-roll'
}

interface WithEarlierBallotProps {
  voter: Voter
  onRefused: (failure: ApiFailure) => void
  children: (earlier: EarlierBallot | null) => ReactNode
}

/** Asks what this voter has voted before, which says whether it is a voter at all. Give it a `key` where the voter changes. */
function WithEarlierBallot({ voter, onRefused, children }: WithEarlierBallotProps) {
  const { poll: texts } = useTexts()
  // In an object, because none is an answer too.
  const { value, failure } = useLoader({ load: async (signal) => ({ earlier: await findEarlierBallot(voter, signal) }) })
  useEffect(() => {
    if (failure !== null) onRefused(failure)
  })
  useEffect(() => {
    if (value !== null) noteVoter(voter)
  })
  if (value !== null) return children(value.earlier)
  return (
    <p className="soft" role="status">
      {texts.loading}
    </p>
  )
}
