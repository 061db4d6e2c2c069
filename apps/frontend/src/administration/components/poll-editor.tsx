import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Poll, PollInput } from '@urna/contracts'
import { pollInput, resultsVisibility } from '@urna/contracts/poll'
import { type SubmitEvent, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { ApiFailure } from '../../api.ts'
import { draftOf, inputOf, mayAddQuestion, moved, newQuestion, type PollDraft, previewOf, sameDraft } from '../poll-draft.ts'
import { useChecked } from '../use-checked.ts'
import { useWords } from '../words.ts'
import { AccessField } from './access-field.tsx'
import { Refusal } from './asked.tsx'
import { BusyButton } from './busy-button.tsx'
import { LeaveWarning } from './leave-warning.tsx'
import { PollPreview } from './poll-preview.tsx'
import { QuestionEditor } from './question-editor.tsx'

interface PollEditorProps {
  first: PollDraft
  save: (input: PollInput) => Promise<Poll>
  /** `thenOpen`: whoever saved wants to open it. */
  onSaved: (poll: Poll, thenOpen: boolean) => void
  /** Puts the poll as it is now in place of what was written here. None: there is no poll yet. */
  onLoadAgain?: () => void
}

/** Writes a poll that is not open yet. What is typed is kept until it is saved, or given up on purpose. */
export function PollEditor({ first, save, onSaved, onLoadAgain }: PollEditorProps) {
  const { words } = useWords()
  const { editor } = words
  const [draft, setDraft] = useState(first)
  const [kept, setKept] = useState(first)
  // What the api has taken: going on to the saved poll loses nothing.
  const taken = useRef<PollDraft | null>(null)
  const questions = useRef<HTMLDivElement>(null)
  const checked = useChecked<PollInput>(pollInput, inputOf(draft))
  const change = useMutation({
    mutationFn: ({ input }: { input: PollInput; thenOpen: boolean; of: PollDraft }) => save(input),
    onSuccess(poll, { thenOpen, of }) {
      taken.current = of
      // As the api keeps it, trimmed; what was typed meanwhile stays.
      setKept(draftOf(poll))
      setDraft((now) => (sameDraft(now, of) ? draftOf(poll) : now))
      onSaved(poll, thenOpen)
    },
    onError: (failure) => checked.refuse(failure),
  })
  const unsaved = !sameDraft(draft, kept)
  const changedElsewhere = change.error instanceof ApiFailure && change.error.status === 409

  function send(thenOpen: boolean) {
    const input = checked.submit()
    if (input !== null && !change.isPending) change.mutate({ input, thenOpen, of: draft })
  }

  function submit(event: SubmitEvent) {
    event.preventDefault()
    send(false)
  }

  /** The focus goes along with a question, and to its neighbour when it goes: at once, as who types fast expects. */
  function changeQuestions(next: PollDraft['questions'], focusAt: number) {
    flushSync(() => setDraft({ ...draft, questions: next }))
    questions.current?.querySelectorAll<HTMLElement>('[data-question]')[focusAt]?.focus()
  }

  const all = draft.questions
  return (
    <div className="editor">
      <form className="stack" ref={checked.form} onSubmit={submit} noValidate>
        <div className="panel">
          <TextInput
            label={editor.title}
            value={draft.title}
            onChange={(event) => setDraft({ ...draft, title: event.target.value })}
            {...checked.field('title')}
            autoComplete="off"
          />
          <Textarea
            label={editor.description}
            description={editor.descriptionHint}
            value={draft.description}
            onChange={(event) => setDraft({ ...draft, description: event.target.value })}
            {...checked.field('description')}
            rows={3}
          />
        </div>
        <div className="stack" ref={questions}>
          {all.map((question, index) => (
            <QuestionEditor
              key={question.key}
              question={question}
              index={index}
              count={all.length}
              checked={checked}
              onChange={(changed) => setDraft({ ...draft, questions: all.with(index, changed) })}
              onMove={(by) => changeQuestions(moved(all, index, index + by), Math.min(all.length - 1, Math.max(0, index + by)))}
              onRemove={() => changeQuestions(all.toSpliced(index, 1), Math.max(0, index - 1))}
            />
          ))}
        </div>
        <Button variant="default" disabled={!mayAddQuestion(draft)} onClick={() => changeQuestions([...all, newQuestion()], all.length)}>
          {editor.addQuestion}
        </Button>
        <div className="panel">
          <h2>{editor.rules}</h2>
          <AccessField value={draft.access} onChange={(access) => setDraft({ ...draft, access })} />
          <Checkbox
            label={editor.changesAllowed}
            checked={draft.changesAllowed}
            onChange={(event) => setDraft({ ...draft, changesAllowed: event.target.checked })}
          />
          <Checkbox
            label={editor.listed}
            description={editor.listedHint}
            checked={draft.listed}
            onChange={(event) => setDraft({ ...draft, listed: event.target.checked })}
          />
          <NativeSelect
            label={editor.visibility}
            value={draft.resultsVisibility}
            onChange={(event) => setDraft({ ...draft, resultsVisibility: resultsVisibility.parse(event.target.value) })}
            data={resultsVisibility.options.map((value) => ({ value, label: words.visibilities[value] }))}
          />
        </div>
        <p className="fault" role="alert">
          {checked.faultCount > 0 && editor.faults(checked.faultCount)}
        </p>
        {change.error !== null && !checked.saidInFields && (
          <Refusal failure={change.error} title={editor.notSaved}>
            {changedElsewhere && onLoadAgain !== undefined && (
              <>
                <p>{editor.changedElsewhere}</p>
                <Button variant="default" onClick={onLoadAgain}>
                  {editor.loadAgain}
                </Button>
              </>
            )}
            {change.error instanceof ApiFailure && change.error.status === 401 && (
              <p>
                <a href="/admin/sign-in" target="_blank" rel="noreferrer">
                  {editor.signInElsewhere}
                </a>
              </p>
            )}
          </Refusal>
        )}
        <div className="form-end">
          <BusyButton type="submit" variant="default" busy={change.isPending}>
            {editor.save}
          </BusyButton>
          <BusyButton onClick={() => send(true)} busy={change.isPending}>
            {editor.saveAndOpen}
          </BusyButton>
          <span role="status" className="soft">
            {change.isSuccess && !unsaved ? editor.saved : unsaved ? editor.unsaved : ''}
          </span>
        </div>
      </form>
      <PollPreview poll={previewOf(draft)} />
      <LeaveWarning when={unsaved} except={() => taken.current !== null && sameDraft(draft, taken.current)} text={editor.leave} />
    </div>
  )
}
