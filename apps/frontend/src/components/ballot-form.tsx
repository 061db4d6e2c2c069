import type { Poll } from '@urna/contracts'
import { type SubmitEvent, useState } from 'react'
import { answersOf, choicesOf, type Faults, findFaults, splitErrors } from '../ballot-answers.ts'
import type { BallotSender, SendState } from '../ballot-sender.ts'
import type { Answers } from '../ballot-storage.ts'
import { texts } from '../texts.ts'
import { ProblemNotice } from './failure-notice.tsx'
import { QuestionField, questionElementId } from './question-field.tsx'

interface BallotFormProps {
  poll: Poll
  /** What is chosen at first. */
  answers: Answers
  replaces: boolean
  state: SendState
  sender: BallotSender
  onSend: () => void
}

export function BallotForm({ poll, answers, replaces, state, sender, onSend }: BallotFormProps) {
  const [choices, setChoices] = useState(() => choicesOf(poll, answers))
  const [faults, setFaults] = useState<Faults>({})
  const refusal = state.step === 'refused' ? splitErrors(poll, state.failure.problem?.errors ?? []) : null
  const busy = state.step === 'sending' || state.step === 'waiting'
  const faultCount = Object.keys(faults).length

  function choose(question: number, chosen: number[]) {
    setChoices({ ...choices, [question]: chosen })
    const { [question]: _mended, ...others } = faults
    setFaults(others)
  }

  function submit(event: SubmitEvent) {
    event.preventDefault()
    if (busy) return
    const found = findFaults(poll, choices)
    setFaults(found)
    const first = poll.questions.find((question) => found[question.number] !== undefined)
    if (first === undefined) {
      onSend()
      sender.send(answersOf(poll, choices))
    } else {
      document.getElementById(questionElementId(first.number))?.focus()
    }
  }

  return (
    <form onSubmit={submit} noValidate>
      <fieldset className="questions" disabled={busy}>
        {poll.questions.map((question) => (
          <QuestionField
            key={question.number}
            question={question}
            chosen={choices[question.number] ?? []}
            fault={faults[question.number] ?? refusal?.byQuestion[question.number]}
            onChange={(chosen) => choose(question.number, chosen)}
          />
        ))}
      </fieldset>
      <p className="fault" role="alert">
        {faultCount > 0 && texts.vote.faults(faultCount)}
      </p>
      {state.step === 'refused' && refusal !== null && (
        <ProblemNotice failure={state.failure} title={texts.vote.refused} errors={refusal.others} />
      )}
      <SendingStatus state={state} sender={sender} />
      <button type="submit" className="button button-main" disabled={busy}>
        {busy ? texts.vote.sending : replaces ? texts.vote.sendChanged : texts.vote.send}
      </button>
    </form>
  )
}

function SendingStatus({ state, sender }: { state: SendState; sender: BallotSender }) {
  return (
    <>
      {/* Always there: a live region is read aloud only when it changes, not when it appears. */}
      <div role="status" className={state.step === 'waiting' ? 'notice notice-waiting' : undefined}>
        {state.step === 'sending' && <p className="soft">{texts.vote.sendingStatus}</p>}
        {state.step === 'waiting' && (
          <p>
            <strong>{texts.vote.notSent[state.reason]}</strong> {texts.vote.tryingAgain}
          </p>
        )}
      </div>
      {state.step === 'waiting' && (
        <p className="actions">
          <button type="button" className="button button-quiet" onClick={sender.tryNow}>
            {texts.vote.tryNow}
          </button>
          <button type="button" className="button button-quiet" onClick={sender.edit}>
            {texts.vote.changeBeforeSent}
          </button>
        </p>
      )}
    </>
  )
}
