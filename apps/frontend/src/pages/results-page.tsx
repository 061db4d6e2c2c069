import type { Results } from '@urna/contracts'
import { type MouseEvent, useState } from 'react'
import { ApiFailure, getResults, getResultsCsv, resultsCsvPath } from '../api.ts'
import { readSent } from '../ballot-storage.ts'
import { FailureNotice } from '../components/failure-notice.tsx'
import { QuestionResultBars } from '../components/question-result.tsx'
import { formatClock, formatNumber } from '../format.ts'
import { useLoader } from '../loader.ts'
import { newerResults } from '../newer-results.ts'
import { Link, paths } from '../router.tsx'
import { texts } from '../texts.ts'
import { usePageTitle } from '../use-page-title.ts'
import { PollNotFoundPage } from './not-found-page.tsx'

const refreshDelay = 2_000

export function ResultsPage({ pollId }: { pollId: string }) {
  const { value, failure, loadNow } = useLoader<Results>({
    load: (signal) => getResults(pollId, readSent(pollId)?.receipt ?? null, signal),
    again: (results) => (results.status === 'final' ? null : refreshDelay),
    choose: newerResults,
  })
  usePageTitle(value === null ? texts.results.eyebrow : texts.results.title(value.title))

  if (failure?.status === 404 && value === null) return <PollNotFoundPage />
  if (value === null) {
    return (
      <>
        <h1>{failure?.status === 403 ? texts.results.hiddenTitle : texts.results.eyebrow}</h1>
        {failure === null && (
          <p className="soft" role="status">
            {texts.results.loading}
          </p>
        )}
        {failure?.status === 403 && <p>{failure.problem?.detail ?? failure.problem?.title}</p>}
        {failure !== null && failure.status !== 403 && <FailureNotice failure={failure} tryNow={loadNow} />}
        <p>
          <Link to={paths.vote(pollId)}>{texts.results.toVote}</Link>
        </p>
      </>
    )
  }

  const own = readSent(pollId)?.answers ?? []
  const final = value.status === 'final'
  return (
    <>
      <p className="eyebrow">{texts.results.eyebrow}</p>
      <h1>{value.title}</h1>
      <Summary results={value} />
      {failure !== null && (
        <div className="notice notice-waiting" role="status">
          <p>{texts.results.stale}</p>
          <button type="button" className="button button-quiet" onClick={loadNow}>
            {texts.failure.tryNow}
          </button>
        </div>
      )}
      {value.questions.map((question) => (
        <QuestionResultBars
          key={question.number}
          question={question}
          final={final}
          own={own.find((answer) => answer.question === question.number)?.options ?? []}
        />
      ))}
      <p className="actions page-actions">
        <CsvLink pollId={pollId} />
        <Link to={paths.vote(pollId)}>{texts.results.toVote}</Link>
      </p>
    </>
  )
}

function Summary({ results }: { results: Results }) {
  const final = results.status === 'final'
  return (
    <div className="summary">
      <p className="turnout numbers">
        <span className="turnout-number">{formatNumber(results.turnout)}</span> {texts.results.turnout(results.turnout)}
      </p>
      <p role="status">
        <span className={final ? 'state state-final' : 'state state-provisional'}>
          {final ? texts.results.final : texts.results.provisional}
        </span>{' '}
        <span className="soft">{final ? texts.results.finalHint : texts.results.provisionalHint}</span>
      </p>
      <p className="soft numbers">
        {results.asOf === null ? texts.results.notCountedYet : texts.results.asOf(formatClock(results.asOf))}
        {!final && ` · ${texts.results.waiting(results.waiting)}`}
      </p>
    </div>
  )
}

function CsvLink({ pollId }: { pollId: string }) {
  const [fault, setFault] = useState('')

  async function download(receipt: string) {
    setFault('')
    try {
      const url = URL.createObjectURL(await getResultsCsv(pollId, receipt))
      const link = document.createElement('a')
      link.href = url
      link.download = `${pollId}.csv`
      link.click()
      // Some browsers read the file only after the click has returned.
      setTimeout(() => URL.revokeObjectURL(url), 10_000)
    } catch (error) {
      setFault((error instanceof ApiFailure && error.problem?.title) || texts.results.csvFailed)
    }
  }

  function click(event: MouseEvent) {
    const receipt = readSent(pollId)?.receipt
    if (receipt === undefined) return
    event.preventDefault()
    void download(receipt)
  }

  return (
    <>
      <a href={resultsCsvPath(pollId)} download onClick={click}>
        {texts.results.csv}
      </a>
      {fault !== '' && (
        <span className="fault" role="alert">
          {fault}
        </span>
      )}
    </>
  )
}
