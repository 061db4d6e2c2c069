import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useLocation, useNavigate } from '@tanstack/react-router'
import type { Poll } from '@urna/contracts'
import { useEffect, useState } from 'react'
import { ApiFailure } from '../../api.ts'
import { QuestionPreview } from '../../components/question-preview.tsx'
import { pollTimes } from '../../poll-times.ts'
import { paths } from '../../router.tsx'
import { duplicatePoll, getOwnPoll, savePoll } from '../api.ts'
import { Asked, Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { ClosePollDialog } from '../components/close-poll-dialog.tsx'
import { Copyable } from '../components/copyable.tsx'
import { DeletePollDialog } from '../components/delete-poll-dialog.tsx'
import { ButtonLink } from '../components/links.tsx'
import { OpenPollDialog } from '../components/open-poll-dialog.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { PollEditor } from '../components/poll-editor.tsx'
import { draftOf } from '../poll-draft.ts'
import { keys, listRefreshMs } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

/** One poll: written while it is a draft, read once it is opened or scheduled. */
export function PollPage({ id }: { id: string }) {
  const { words } = useWords()
  const query = useQuery({
    queryKey: keys.poll(id),
    queryFn: ({ signal }) => getOwnPoll(id, signal),
    // Only its own state changes by itself; a draft is changed by whoever writes here.
    refetchInterval: ({ state }) => (state.data === undefined || state.data.state === 'draft' ? false : listRefreshMs),
    refetchOnWindowFocus: false,
  })
  const gone = query.error instanceof ApiFailure && (query.error.status === 404 || query.error.status === 410)
  return (
    <>
      {query.data === undefined && <PageHeading title={gone ? words.pollPage.gone : words.pollPage.title} />}
      <Asked query={query} queryKey={keys.poll(id)} loading={words.pollPage.loading}>
        {(poll) => <PollShown poll={poll} />}
      </Asked>
    </>
  )
}

function PollShown({ poll }: { poll: Poll }) {
  const { words } = useWords()
  const { may } = useMe()
  const client = useQueryClient()
  const navigate = useNavigate()
  const { hash } = useLocation()
  const [doing, setDoing] = useState<'open' | 'close' | 'delete' | null>(hash === 'open' ? 'open' : null)
  // Grows when the poll is loaded in place of what was written.
  const [edition, setEdition] = useState(0)
  const duplicate = useMutation({
    mutationFn: () => duplicatePoll(poll.id),
    onSuccess(copy) {
      void client.invalidateQueries({ queryKey: keys.polls })
      void navigate({ to: '/admin/polls/$id', params: { id: copy.id } })
    },
  })

  useEffect(() => {
    // So that a reload does not ask again.
    if (hash === 'open') void navigate({ to: '/admin/polls/$id', params: { id: poll.id }, replace: true })
  }, [hash, navigate, poll.id])

  function changed(next: Poll) {
    client.setQueryData(keys.poll(poll.id), next)
    void client.invalidateQueries({ queryKey: keys.polls })
    setDoing(null)
  }

  async function loadAgain() {
    await client.refetchQueries({ queryKey: keys.poll(poll.id) })
    setEdition((number) => number + 1)
  }

  const change = may('polls.change')
  const editable = poll.state === 'draft' && change
  return (
    <>
      <PageHeading title={editable ? words.editor.editTitle(poll.title) : poll.title}>
        {poll.access === 'code' && may('voters.read') && (
          <ButtonLink to={`/admin/polls/${poll.id}/codes`} variant="default">
            {words.codes.title}
          </ButtonLink>
        )}
        {poll.access === 'account' && may('voters.read') && (
          <ButtonLink to={`/admin/polls/${poll.id}/voters`} variant="default">
            {words.roll.title}
          </ButtonLink>
        )}
        {change && (
          <BusyButton variant="default" busy={duplicate.isPending} onClick={() => duplicate.mutate()}>
            {words.polls.duplicate}
          </BusyButton>
        )}
        {change && (poll.state === 'draft' || poll.state === 'closed') && (
          <Button variant="outline" color="danger" onClick={() => setDoing('delete')}>
            {words.polls.delete}
          </Button>
        )}
      </PageHeading>
      {duplicate.error !== null && <Refusal failure={duplicate.error} title={words.dialog.notDone} />}
      {editable ? (
        <PollEditor
          key={edition}
          first={draftOf(poll)}
          save={(input) => savePoll(poll.id, input)}
          onSaved={(saved, thenOpen) => {
            changed(saved)
            if (thenOpen) setDoing('open')
          }}
          onLoadAgain={() => void loadAgain()}
        />
      ) : (
        <Frozen poll={poll} onOpen={() => setDoing('open')} onCloseNow={() => setDoing('close')} />
      )}
      {doing === 'open' && change && <OpenPollDialog poll={poll} onDone={changed} onClose={() => setDoing(null)} />}
      {doing === 'close' && change && <ClosePollDialog poll={poll} onDone={changed} onClose={() => setDoing(null)} />}
      {doing === 'delete' && change && (
        <DeletePollDialog
          poll={poll}
          onDone={() => {
            void client.invalidateQueries({ queryKey: keys.polls })
            void navigate({ to: '/admin' })
          }}
          onClose={() => setDoing(null)}
        />
      )}
    </>
  )
}

interface FrozenProps {
  poll: Poll
  onOpen: () => void
  onCloseNow: () => void
}

/** What is asked, and by which rules: to read. */
function Frozen({ poll, onOpen, onCloseNow }: FrozenProps) {
  const { words, texts, format } = useWords()
  const { may } = useMe()
  const begun = poll.state === 'open' || poll.state === 'closed'
  return (
    <>
      <section className="panel" aria-labelledby="state-heading">
        <h2 id="state-heading" className="only-read-aloud">
          {words.polls.state}
        </h2>
        <p>
          {/* The times of a poll that was open say so themselves. */}
          {!begun && <span className={`state state-${poll.state}`}>{words.states[poll.state]}</span>}{' '}
          <span className={begun ? `state state-${poll.state}` : undefined}>{pollTimes(poll, texts, format)}</span>
        </p>
        <div className="row row-center">
          {may('polls.change') && poll.state === 'open' && (
            <Button variant="default" onClick={onCloseNow}>
              {words.polls.close}
            </Button>
          )}
          {may('polls.change') && (
            <Button variant="default" onClick={onOpen}>
              {words.pollPage.times[poll.state]}
            </Button>
          )}
          {poll.state !== 'draft' && <a href={paths.vote(poll.id)}>{words.polls.vote}</a>}
          {poll.state !== 'draft' && <a href={paths.results(poll.id)}>{texts.home.results}</a>}
        </div>
        {(poll.state === 'open' || poll.state === 'scheduled') && (
          <div className="stack">
            <h3>{words.pollPage.link}</h3>
            <Copyable text={location.origin + paths.vote(poll.id)} />
          </div>
        )}
      </section>
      <section className="panel" aria-labelledby="definition-heading">
        <h2 id="definition-heading">{words.pollPage.definition}</h2>
        {poll.state !== 'draft' && <p className="soft">{words.pollPage.frozen}</p>}
        {poll.description !== '' && <p className="description">{poll.description}</p>}
        <QuestionPreview poll={{ ...poll, title: '' }} />
        <ul className="summary-list">
          <li>
            {words.levels[poll.access].name}. {words.levels[poll.access].stops}
          </li>
          <li>{poll.changesAllowed ? words.editor.changesAllowed : words.editor.changesNotAllowed}</li>
          <li>{words.visibilities[poll.resultsVisibility]}</li>
          <li>{poll.listed ? words.editor.isListed : words.editor.isNotListed}</li>
        </ul>
      </section>
    </>
  )
}
