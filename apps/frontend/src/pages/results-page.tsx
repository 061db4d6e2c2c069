import type { Results } from '@urna/contracts'
import { useState, useSyncExternalStore } from 'react'
import { type ApiFailure, getPoll } from '../api.ts'
import { readSent } from '../ballot-storage.ts'
import { CsvLink } from '../components/csv-link.tsx'
import { FailureNotice } from '../components/failure-notice.tsx'
import { showsQuestionText } from '../components/question-field.tsx'
import { QuestionResultSection } from '../components/question-result.tsx'
import { describeFailure } from '../describe-failure.ts'
import { useLanguage, useTexts } from '../language.tsx'
import { createLiveResults, type Link as LiveLink, type LiveState } from '../live-results.ts'
import { useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { useFocusKept } from '../use-focus-kept.ts'
import { usePageTitle } from '../use-page-title.ts'
import { voterNameHere } from '../voter.ts'
import { isNoSuchPoll, PollNotFoundPage } from './not-found-page.tsx'

export function ResultsPage({ pollId }: { pollId: string }) {
  const { results: texts } = useTexts()
  const [live] = useState(() => createLiveResults(pollId, () => readSent(voterNameHere(pollId))?.receipt ?? null))
  const state = useSyncExternalStore(live.subscribe, live.state)
  const [asTable, setAsTable] = useState(false)
  const { results, failure } = state
  usePageTitle(results === null ? texts.eyebrow : texts.title(results.title))

  if (results === null) {
    if (failure !== null && isNoSuchPoll(failure)) return <PollNotFoundPage deleted={failure.status === 410} />
    return failure?.status === 403 ? (
      <HiddenResults pollId={pollId} failure={failure} />
    ) : (
      <NoResultsYet pollId={pollId} live={state} tryNow={live.tryNow} />
    )
  }

  const own = readSent(voterNameHere(pollId))?.answers ?? []
  return (
    <>
      <div className="eyebrow-row">
        <p className="eyebrow">{texts.eyebrow}</p>
        <LiveMark link={state.link} />
      </div>
      <h1>{results.title}</h1>
      <Summary results={results} />
      {failure !== null && <Staleness failure={failure} link={state.link} tryNow={live.tryNow} />}
      {results.questions.map((question) => (
        <QuestionResultSection
          key={question.number}
          question={question}
          textShown={showsQuestionText(results, question)}
          final={results.status === 'final'}
          asTable={asTable}
          own={own.find((answer) => answer.question === question.number)?.options ?? []}
        />
      ))}
      <p className="actions page-actions">
        <button type="button" className="link-button" onClick={() => setAsTable(!asTable)}>
          {asTable ? texts.asBars : texts.asTable}
        </button>
        <CsvLink pollId={pollId} />
        <button type="button" className="link-button" onClick={() => print()}>
          {texts.print}
        </button>
        {results.state !== 'closed' && <Link to={paths.vote(pollId)}>{texts.toVote}</Link>}
      </p>
    </>
  )
}

function NoResultsYet({ pollId, live, tryNow }: { pollId: string; live: LiveState; tryNow: () => void }) {
  const { results: texts } = useTexts()
  return (
    <>
      <h1>{texts.eyebrow}</h1>
      {live.failure === null ? (
        <p className="soft" role="status">
          {texts.loading}
        </p>
      ) : (
        <FailureNotice failure={live.failure} tryNow={tryNow} />
      )}
      <p className="actions">
        <Link to={paths.vote(pollId)}>{texts.toVote}</Link>
      </p>
    </>
  )
}

function HiddenResults({ pollId, failure }: { pollId: string; failure: ApiFailure }) {
  const { texts, format } = useLanguage()
  const { problem, problemName } = failure
  const { value: poll } = useLoader({ load: (signal) => getPoll(pollId, signal) })
  const when = () => {
    switch (problem?.shown) {
      case 'after_voting':
        return texts.results.hiddenAfterVoting
      case 'after_closing':
        return problem.at === undefined ? texts.results.hiddenAfterClosing : texts.results.hiddenUntil(format.instant(problem.at))
      case 'owner':
        return texts.results.hiddenOwner
      case undefined:
        return problemName === 'results-hidden' ? '' : describeFailure(texts, failure)
    }
  }
  const hidden = problem?.shown === 'owner' ? texts.results.hiddenOwnerTitle : texts.results.hiddenTitle
  const title = problemName === 'results-hidden' ? hidden : texts.results.notShown
  return (
    <>
      <p className="eyebrow">{texts.results.eyebrow}</p>
      <h1>{poll?.title ?? texts.results.eyebrow}</h1>
      <div className="notice">
        <p>
          <strong>{title}</strong> {when()}
        </p>
        {problem?.shown === 'after_closing' && <p className="soft">{texts.results.hiddenHint}</p>}
      </div>
      <p>
        <Link to={paths.vote(pollId)} className="button">
          {texts.results.toVote}
        </Link>
      </p>
    </>
  )
}

function Summary({ results: { asOf, status, state, turnout, waiting } }: { results: Results }) {
  const { texts, format } = useLanguage()
  const { results: words } = texts
  const final = status === 'final'
  const hints: Record<Results['state'], string> = {
    draft: words.notOpenHint,
    scheduled: words.notOpenHint,
    open: words.openHint,
    closed: words.closedHint,
  }
  return (
    <div className="summary">
      <p className="turnout numbers">
        <span className="turnout-number">{format.number(turnout)}</span> {words.turnout(turnout)}
      </p>
      {!final && <p className="soft numbers">{asOf === null ? words.notCountedYet : words.countedUntil(format.clock(asOf), waiting)}</p>}
      <p role="status">
        <span className={final ? 'state state-final' : 'state state-provisional'}>{final ? words.final : words.provisional}</span>{' '}
        <span className="soft">{final ? words.finalHint : hints[state]}</span>
      </p>
      {asOf !== null && <p className="only-printed">{format.instant(asOf)}</p>}
    </div>
  )
}

/** The dot is there only while the stream really is. */
function LiveMark({ link }: { link: LiveLink }) {
  const { results: texts } = useTexts()
  switch (link) {
    case 'live':
      return <p className="live live-on">{texts.live}</p>
    case 'connecting':
      return <p className="live">{texts.connecting}</p>
    case 'waiting':
      return <p className="live">{texts.notLive}</p>
    case 'ended':
      return null
  }
}

/** Says that the numbers shown are not the newest, and why. */
function Staleness({ failure, link, tryNow }: { failure: ApiFailure; link: LiveLink; tryNow: () => void }) {
  const texts = useTexts()
  const place = useFocusKept<HTMLDivElement>()
  // Connected, but the server has nothing new to say: trying again here would not help it.
  const delayed = link === 'live'
  return (
    <div className="notice notice-waiting" role="status" ref={place}>
      <p>
        <strong>{delayed ? texts.results.delayed : describeFailure(texts, failure)}</strong>{' '}
        {delayed ? `${describeFailure(texts, failure)} ${texts.results.delayedHint}` : texts.results.notLiveHint}
      </p>
      {!delayed && (
        <button type="button" className="button button-quiet" onClick={tryNow}>
          {texts.failure.tryNow}
        </button>
      )}
    </div>
  )
}
