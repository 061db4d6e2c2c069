import { type SubmitEvent, useState } from 'react'
import { getReceipt } from '../api.ts'
import { FailureNotice } from '../components/failure-notice.tsx'
import { StatusAndMeaning } from '../components/receipt-card.tsx'
import { useLoader } from '../loader.ts'
import { Link, paths } from '../router.tsx'
import { texts } from '../texts.ts'
import { usePageTitle } from '../use-page-title.ts'

const stillReceivedDelay = 3_000

export function ReceiptsPage() {
  usePageTitle(texts.receipts.title)
  const [typed, setTyped] = useState('')
  const [asked, setAsked] = useState({ receipt: '', times: 0 })
  const [fault, setFault] = useState('')

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const receipt = typed.replace(/\s/g, '')
    setFault(receipt === '' ? texts.receipts.empty : '')
    setAsked({ receipt, times: asked.times + 1 })
  }

  return (
    <>
      <h1>{texts.receipts.title}</h1>
      <p className="lead">{texts.receipts.lead}</p>
      <form className="field" onSubmit={submit} noValidate>
        <label htmlFor="receipt">{texts.receipts.label}</label>
        <textarea
          id="receipt"
          rows={3}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          aria-describedby="receipt-fault"
          aria-invalid={fault !== ''}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
        />
        <p className="fault" id="receipt-fault" role="alert">
          {fault}
        </p>
        <button type="submit" className="button">
          {texts.receipts.button}
        </button>
      </form>
      {asked.receipt !== '' && <Outcome key={asked.times} receipt={asked.receipt} />}
    </>
  )
}

function Outcome({ receipt }: { receipt: string }) {
  const { value, failure, loadNow } = useLoader({
    load: (signal) => getReceipt(receipt, signal),
    again: ({ status }) => (status === 'received' ? stillReceivedDelay : null),
  })
  if (value === null) {
    if (failure?.status === 404 || failure?.status === 400) {
      return (
        <p className="notice notice-refused" role="alert">
          {texts.receipts.notOurs}
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
        <StatusAndMeaning receipt={value} />
      </div>
      <p className="actions">
        <Link to={paths.vote(value.pollId)}>{texts.receipts.poll}</Link>
        <Link to={paths.results(value.pollId)}>{texts.receipts.results}</Link>
      </p>
    </div>
  )
}
