import { Button, Radio, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Poll } from '@urna/contracts'
import { type SubmitEvent, useId, useRef, useState } from 'react'
import { serverNowMs } from '../../server-clock.ts'
import { openPoll, type PollTimes } from '../api.ts'
import { faultsOfFailure } from '../faults.ts'
import { ofField, toField, zoneName } from '../local-time.ts'
import { useWords } from '../words.ts'
import { Refusal } from './asked.tsx'
import { BusyButton } from './busy-button.tsx'
import { Dialog } from './dialog.tsx'

interface OpenPollDialogProps {
  poll: Poll
  onDone: (poll: Poll) => void
  onClose: () => void
}

/** Opens a draft, now or later; gives a poll that was opened another closing time, or opens a closed one again. */
export function OpenPollDialog({ poll, onDone, onClose }: OpenPollDialogProps) {
  const { words } = useWords()
  const begun = poll.state === 'open' || poll.state === 'closed'
  const form = useRef<HTMLFormElement>(null)
  const [opens, setOpens] = useState<'now' | 'later'>(poll.state === 'scheduled' ? 'later' : 'now')
  const [opensField, setOpensField] = useState(toField(poll.opensAt))
  const [closes, setCloses] = useState<'never' | 'later'>(poll.closesAt !== null && poll.state !== 'closed' ? 'later' : 'never')
  const [closesField, setClosesField] = useState(poll.state === 'closed' ? '' : toField(poll.closesAt))
  const [sent, setSent] = useState(false)
  const change = useMutation({ mutationFn: (times: PollTimes) => openPoll(poll.id, times), onSuccess: onDone })

  const opensAt = !begun && opens === 'later' ? ofField(opensField) : null
  const closesAt = closes === 'later' ? ofField(closesField) : null
  const refused = faultsOfFailure(change.error, words)
  const opensFault = !begun && opens === 'later' && opensAt === null ? words.opening.fillIn : refused.opensAt
  const closesFault =
    closes === 'never'
      ? undefined
      : closesAt === null
        ? words.opening.fillIn
        : Date.parse(closesAt) <= Math.max(opensAt === null ? 0 : Date.parse(opensAt), serverNowMs())
          ? words.faults.closesTooEarly
          : refused.closesAt

  function submit(event: SubmitEvent) {
    event.preventDefault()
    setSent(true)
    const faulty = opensFault !== undefined && opensFault !== refused.opensAt ? 'opens' : undefined
    const faultyClose = closesFault !== undefined && closesFault !== refused.closesAt ? 'closes' : undefined
    const first = faulty ?? faultyClose
    if (first === undefined) change.mutate({ opensAt, closesAt })
    else form.current?.querySelector<HTMLElement>(`input[name="${first}-at"]`)?.focus()
  }

  const title = words.opening.titles[poll.state]
  const button = begun ? words.opening.buttons[poll.state] : words.opening.buttons[opens === 'later' ? 'scheduled' : 'draft']
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" ref={form} onSubmit={submit} noValidate>
        <p>
          <strong>{poll.title}</strong>
        </p>
        {!begun && (
          <Radio.Group label={words.opening.opens} value={opens} onChange={(value) => setOpens(value === 'later' ? 'later' : 'now')}>
            <div className="levels">
              <Radio value="now" label={words.opening.now} />
              <Radio value="later" label={words.opening.later} />
            </div>
          </Radio.Group>
        )}
        {!begun && opens === 'later' && (
          <TextInput
            type="datetime-local"
            name="opens-at"
            label={words.opening.opensAt}
            description={words.opening.zone(zoneName())}
            value={opensField}
            onChange={(event) => setOpensField(event.target.value)}
            error={sent ? opensFault : undefined}
          />
        )}
        <Radio.Group label={words.opening.closes} value={closes} onChange={(value) => setCloses(value === 'later' ? 'later' : 'never')}>
          <div className="levels">
            <Radio value="never" label={words.opening.never} />
            <Radio value="later" label={words.opening.laterClose} />
          </div>
        </Radio.Group>
        {closes === 'later' && (
          <TextInput
            type="datetime-local"
            name="closes-at"
            label={words.opening.closesAt}
            description={words.opening.zone(zoneName())}
            value={closesField}
            onChange={(event) => setClosesField(event.target.value)}
            error={sent ? closesFault : undefined}
          />
        )}
        {!begun && <FreezeSummary poll={poll} />}
        {change.error !== null && Object.keys(refused).length === 0 && <Refusal failure={change.error} title={words.dialog.notDone} />}
        <div className="form-end">
          <BusyButton type="submit" busy={change.isPending}>
            {button}
          </BusyButton>
          <Button variant="default" onClick={onClose}>
            {words.dialog.cancel}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** What cannot change any more once the poll is opened or scheduled. */
function FreezeSummary({ poll }: { poll: Poll }) {
  const { words } = useWords()
  const heading = useId()
  return (
    <section className="notice stack" aria-labelledby={heading}>
      <h3 id={heading}>{words.opening.freezes}</h3>
      <ul className="summary-list">
        {poll.questions.map((question) => (
          <li key={question.number}>{words.opening.question(question.text, question.options.length)}</li>
        ))}
        <li>{words.levels[poll.access].name}</li>
        <li>{poll.changesAllowed ? words.editor.changesAllowed : words.editor.changesNotAllowed}</li>
        <li>{words.visibilities[poll.resultsVisibility]}</li>
        <li>{poll.listed ? words.editor.isListed : words.editor.isNotListed}</li>
      </ul>
      <p>{words.opening.freezesHint}</p>
    </section>
  )
}
