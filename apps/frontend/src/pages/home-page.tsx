import type { Poll } from '@urna/contracts'
import { type SubmitEvent, useEffect, useRef, useState } from 'react'
import { getPolls } from '../api.ts'
import { FailureNotice } from '../components/failure-notice.tsx'
import { useLanguage, useTexts } from '../language.tsx'
import { useLoader } from '../loader.ts'
import { findPollId } from '../poll-id.ts'
import { shortPollTimes } from '../poll-times.ts'
import { goTo, Link, paths } from '../router.tsx'
import { usePageTitle } from '../use-page-title.ts'

export function HomePage() {
  const texts = useTexts()
  usePageTitle('')
  return (
    <>
      <h1>{texts.home.title}</h1>
      <p className="lead">{texts.home.lead}</p>
      <PollIdForm />
      <section aria-labelledby="polls-heading">
        <h2 id="polls-heading">{texts.home.listHeading}</h2>
        <PollListPage after={null} />
      </section>
    </>
  )
}

/** One page of the list, and behind it, once asked for, the next one. */
function PollListPage({ after }: { after: string | null }) {
  const texts = useTexts()
  const { value, failure, loadNow } = useLoader({ load: (signal) => getPolls(after, signal) })
  const [showNext, setShowNext] = useState(false)

  if (value === null) {
    if (failure !== null) return <FailureNotice failure={failure} tryNow={loadNow} />
    return (
      <p className="soft" role="status">
        {texts.home.loading}
      </p>
    )
  }
  if (value.polls.length === 0 && after === null) return <p className="card empty soft">{texts.home.empty}</p>
  return (
    <>
      <ul className="poll-list">
        {value.polls.toSorted(openFirst).map((poll) => (
          <PollItem key={poll.id} poll={poll} />
        ))}
      </ul>
      {value.next !== null && !showNext && (
        <button type="button" className="button button-quiet" onClick={() => setShowNext(true)}>
          {texts.home.more}
        </button>
      )}
      {value.next !== null && showNext && <NextPage after={value.next} />}
    </>
  )
}

/** Takes the focus of the button that asked for it, which is gone now. */
function NextPage({ after }: { after: string }) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => place.current?.focus({ preventScroll: true }), [])
  return (
    <div className="next-page" ref={place} tabIndex={-1}>
      <PollListPage after={after} />
    </div>
  )
}

const orderOfStates = ['open', 'scheduled', 'draft', 'closed'] as const satisfies Poll['state'][]

/** What one can vote in now comes first; the server's order, newest first, stays among equals. */
function openFirst(one: Poll, other: Poll): number {
  return orderOfStates.indexOf(one.state) - orderOfStates.indexOf(other.state)
}

function PollItem({ poll }: { poll: Poll }) {
  const { texts, format } = useLanguage()
  return (
    <li className="card poll-item">
      <div>
        <h3>
          <Link to={poll.state === 'closed' ? paths.results(poll.id) : paths.vote(poll.id)}>{poll.title}</Link>
        </h3>
        <p className="soft">
          <span className={`state state-${poll.state}`}>{texts.poll.states[poll.state]}</span>{' '}
          <span className="time">{shortPollTimes(poll, texts, format)}</span>
        </p>
      </div>
      <div className="actions">
        {poll.state === 'open' && (
          <Link to={paths.vote(poll.id)} className="button" label={texts.home.voteIn(poll.title)}>
            {texts.home.vote}
          </Link>
        )}
        {(poll.state === 'open' || poll.state === 'closed') && (
          <Link to={paths.results(poll.id)} className="button button-quiet" label={texts.home.resultsOf(poll.title)}>
            {texts.home.results}
          </Link>
        )}
      </div>
    </li>
  )
}

function PollIdForm() {
  const { home: texts } = useTexts()
  const [typed, setTyped] = useState('')
  const [faulty, setFaulty] = useState(false)

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const pollId = findPollId(typed)
    setFaulty(pollId === null)
    if (pollId !== null) goTo(paths.vote(pollId))
  }

  return (
    <form className="field" onSubmit={submit} noValidate>
      <label htmlFor="poll-id">{texts.enterLabel}</label>
      <p className="soft" id="poll-id-hint">
        {texts.enterHint}
      </p>
      <div className="field-row">
        <input
          id="poll-id"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          aria-describedby="poll-id-hint poll-id-fault"
          aria-invalid={faulty}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <button type="submit" className="button">
          {texts.enterButton}
        </button>
      </div>
      <p className="fault" id="poll-id-fault" role="alert">
        {faulty && texts.enterFault}
      </p>
    </form>
  )
}
