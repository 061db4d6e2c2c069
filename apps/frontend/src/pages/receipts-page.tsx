import type { ReceiptStatus } from '@urna/contracts'
import { type SubmitEvent, useEffect, useState } from 'react'
import { getPoll } from '../api.ts'
import { FailureNotice } from '../components/failure-notice.tsx'
import { StatusAndMeaning, useReceipt } from '../components/receipt-card.tsx'
import { useTexts } from '../language.tsx'
import { useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { usePageTitle } from '../use-page-title.ts'

export function ReceiptsPage() {
  const { receipts: texts } = useTexts()
  usePageTitle(texts.title)
  const [typed, setTyped] = useState(receiptOfAddress)
  const [asked, setAsked] = useState({ receipt: typed, times: 0 })
  const [faulty, setFaulty] = useState(false)

  function ask(receipt: string) {
    setFaulty(receipt === '')
    setAsked(({ times }) => ({ receipt, times: times + 1 }))
  }

  useEffect(() => {
    const askAddress = () => {
      const receipt = receiptOfAddress()
      if (receipt === '') return
      setTyped(receipt)
      setFaulty(false)
      setAsked(({ times }) => ({ receipt, times: times + 1 }))
    }
    addEventListener('hashchange', askAddress)
    return () => removeEventListener('hashchange', askAddress)
  }, [])

  function submit(event: SubmitEvent) {
    event.preventDefault()
    ask(receiptIn(typed))
  }

  return (
    <>
      <h1>{texts.title}</h1>
      <p className="lead">{texts.lead}</p>
      <form className="field" onSubmit={submit} noValidate>
        <label htmlFor="receipt">{texts.label}</label>
        <textarea
          id="receipt"
          rows={3}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          aria-describedby="receipt-fault"
          aria-invalid={faulty}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <p className="fault" id="receipt-fault" role="alert">
          {faulty && texts.empty}
        </p>
        <button type="submit" className="button">
          {texts.button}
        </button>
      </form>
      {asked.receipt !== '' && <Outcome key={asked.times} receipt={asked.receipt} />}
      <Explanation />
    </>
  )
}

/** The receipt in what somebody pasted: lines may be broken, and it may be the whole link. */
function receiptIn(pasted: string): string {
  return pasted.replace(/\s/g, '').replace(/^.*#/, '')
}

/** Other fragments (that of the link to the content, say) are none of this page's business. */
function receiptOfAddress(): string {
  return /^#[\w-]{60,80}$/.test(location.hash) ? location.hash.slice(1) : ''
}

function Outcome({ receipt }: { receipt: string }) {
  const texts = useTexts()
  const { value, failure, loadNow } = useReceipt(receipt)
  if (value === null) {
    if (failure?.status === 404 || failure?.status === 400) {
      return (
        <p className="notice notice-refused" role="alert">
          {texts.failure.problems['receipt-not-found']}
        </p>
      )
    }
    if (failure !== null) return <FailureNotice failure={failure} tryNow={loadNow} />
    return (
      <p className="soft" role="status">
        {texts.receipts.loading}
      </p>
    )
  }
  return (
    <div className="card">
      <div role="status">
        <StatusAndMeaning status={value.status} />
      </div>
      <PollTitle pollId={value.pollId} />
      <p className="actions">
        <Link to={paths.vote(value.pollId)}>{texts.receipts.poll}</Link>
        <Link to={paths.results(value.pollId)}>{texts.receipts.results}</Link>
      </p>
    </div>
  )
}

/** Which poll the vote was in; nothing while that is not known. */
function PollTitle({ pollId }: { pollId: string }) {
  const { value: poll } = useLoader({ load: (signal) => getPoll(pollId, signal) })
  return poll !== null && <p className="label">{poll.title}</p>
}

function Explanation() {
  const { receipt, receipts } = useTexts()
  const statuses = Object.keys(receipt.statuses) as ReceiptStatus[]
  return (
    <details>
      <summary>{receipts.explain}</summary>
      <dl className="meanings">
        {statuses.map((status) => (
          <div key={status}>
            <dt>{receipt.statuses[status]}</dt>
            <dd>{receipt.meanings[status]}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}
