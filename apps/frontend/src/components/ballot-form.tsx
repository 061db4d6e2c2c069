import type { Poll } from '@urna/contracts'
import { type RefObject, type SubmitEvent, useEffect, useRef, useState } from 'react'
import { answeredCount, answersOf, choicesOf, type Faults, faultsOfErrors, findFaults } from '../ballot-answers.ts'
import { type BallotSender, lastFailure, type SendState } from '../ballot-sender.ts'
import type { Answers } from '../ballot-storage.ts'
import { describeFailure } from '../describe-failure.ts'
import { useTexts } from '../language.tsx'
import { RefusalNotice } from './failure-notice.tsx'
import { QuestionField, questionElementId, showsQuestionText } from './question-field.tsx'

interface BallotFormProps {
  poll: Poll
  /** What is chosen at first. */
  answers: Answers
  /** What the voter's present vote says; null: there is none. */
  voted: Answers | null
  /** True where the voter asked for the form, by a button that is gone now. */
  takesFocus: boolean
  state: SendState
  sender: BallotSender
  onSend: () => void
}

export function BallotForm({ poll, answers, voted, takesFocus, state, sender, onSend }: BallotFormProps) {
  const { vote: texts } = useTexts()
  const [choices, setChoices] = useState(() => choicesOf(poll, answers))
  const [faults, setFaults] = useState<Faults>({})
  const busy = state.step === 'sending' || state.step === 'waiting'
  const faultCount = Object.keys(faults).length
  const status = useRef<HTMLDivElement>(null)
  const first = poll.questions[0]?.number
  const stepBefore = useRef(state.step)

  // A step takes away or disables the control that had the focus: without this, keyboard and screen reader would be sent to the top.
  useEffect(() => {
    const before = stepBefore.current
    stepBefore.current = state.step
    if (state.step === before) return
    // Not at the tries that come by themselves: they leave every control where it is.
    if (state.step === 'sending' && before !== 'waiting') status.current?.focus({ preventScroll: true })
    if (state.step === 'refused') showFaults(faultsOfErrors(poll, state.failure.problem?.errors ?? []))
    if (state.step === 'editing') focusQuestion(first)
  })
  useEffect(() => {
    if (takesFocus) focusQuestion(first)
  }, [takesFocus, first])

  /** Marks the questions, and goes to the first of them. */
  function showFaults(found: Faults): number | undefined {
    setFaults(found)
    const faulty = poll.questions.find((question) => found[question.number] !== undefined)?.number
    focusQuestion(faulty)
    return faulty
  }

  function choose(question: number, chosen: number[]) {
    setChoices({ ...choices, [question]: chosen })
    const { [question]: _mended, ...others } = faults
    setFaults(others)
  }

  function submit(event: SubmitEvent) {
    event.preventDefault()
    if (busy) return
    if (showFaults(findFaults(poll, choices)) !== undefined) return
    onSend()
    sender.send(answersOf(poll, choices))
  }

  return (
    <form onSubmit={submit} noValidate>
      {poll.questions.length > 1 && <Progress answered={answeredCount(poll, choices)} questions={poll.questions.length} />}
      <fieldset className="questions" disabled={busy}>
        {poll.questions.map((question) => (
          <QuestionField
            key={question.number}
            question={question}
            textShown={showsQuestionText(poll, question)}
            chosen={choices[question.number]}
            voted={voted?.find((answer) => answer.question === question.number)?.options ?? null}
            fault={faults[question.number]}
            onChange={(chosen) => choose(question.number, chosen)}
          />
        ))}
      </fieldset>
      <p className="fault" role="alert">
        {faultCount > 0 && texts.faults(faultCount)}
      </p>
      {state.step === 'refused' && <RefusalNotice failure={state.failure} title={texts.refused} />}
      <SendingStatus state={state} place={status} />
      {lastFailure(state) === null ? (
        <button type="submit" className="button button-main" disabled={busy}>
          {busy ? texts.sending : voted === null ? texts.send : texts.sendChanged}
        </button>
      ) : (
        <>
          <button type="button" className="button button-main" onClick={sender.tryNow}>
            {texts.tryNow}
          </button>
          <button type="button" className="button button-quiet" onClick={sender.edit}>
            {texts.changeBeforeSent}
          </button>
        </>
      )}
    </form>
  )
}

function Progress({ answered, questions }: { answered: number; questions: number }) {
  const text = useTexts().vote.progress(answered, questions)
  return (
    <div className="progress">
      <p className="numbers">{text}</p>
      <progress value={answered} max={questions} aria-label={text} />
    </div>
  )
}

function focusQuestion(question: number | undefined): void {
  if (question !== undefined) document.getElementById(questionElementId(question))?.focus()
}

interface SendingStatusProps {
  state: SendState
  place: RefObject<HTMLDivElement | null>
}

function SendingStatus({ state, place }: SendingStatusProps) {
  const texts = useTexts()
  const failure = lastFailure(state)
  return (
    // Always there: a live region is read aloud only when it changes, not when it appears.
    <div role="status" ref={place} tabIndex={-1} className={failure === null ? undefined : 'notice notice-waiting'}>
      {failure === null && state.step === 'sending' && (
        <p className="soft">{state.calculating ? texts.vote.calculating : texts.vote.sendingStatus}</p>
      )}
      {failure !== null && (
        <>
          <p>
            <strong>{texts.vote.notConfirmed}</strong>{' '}
            {failure.problemName === 'primary-unavailable' ? texts.access.cannotCheck : describeFailure(texts, failure)}
          </p>
          <p>{texts.vote.tryingAgain}</p>
        </>
      )}
    </div>
  )
}
