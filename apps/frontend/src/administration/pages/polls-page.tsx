import { Button, Table, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { ManagedPoll } from '@urna/contracts'
import { useState } from 'react'
import { resultsCsvUrl } from '../../api.ts'
import { shortPollTimes } from '../../poll-times.ts'
import { paths } from '../../router.tsx'
import { duplicatePoll, getManagedPolls } from '../api.ts'
import { Asked, Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { ClosePollDialog } from '../components/close-poll-dialog.tsx'
import { DeletePollDialog } from '../components/delete-poll-dialog.tsx'
import { ButtonLink } from '../components/links.tsx'
import { OpenPollDialog } from '../components/open-poll-dialog.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Pager, usePages } from '../components/pager.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { keys, listRefreshMs } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

type Doing = { what: 'open' | 'close' | 'delete'; poll: ManagedPoll }

/** The polls that somebody runs, or looks after. */
export function PollsPage() {
  const { words } = useWords()
  const { may } = useMe()
  const client = useQueryClient()
  const pages = usePages<string>()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed.trim(), 300)
  const [doing, setDoing] = useState<Doing | null>(null)
  const queryKey = [...keys.polls, search, pages.after]
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => getManagedPolls({ search, after: pages.after }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: listRefreshMs,
  })

  function done() {
    setDoing(null)
    void client.invalidateQueries({ queryKey: keys.polls })
  }

  return (
    <>
      <PageHeading title={words.polls.title}>
        {may('polls.change') && <ButtonLink to="/admin/polls/new">{words.polls.make}</ButtonLink>}
      </PageHeading>
      <TextInput
        className="narrow"
        type="search"
        label={words.polls.search}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          pages.first()
        }}
        maxLength={200}
      />
      <Asked query={query} queryKey={queryKey} loading={words.polls.loading}>
        {({ polls, next }) => (
          <>
            {polls.length === 0 ? <NoPolls searched={search !== ''} /> : <PollTable polls={polls} onDo={setDoing} />}
            <Pager pages={pages} next={next} label={words.polls.title} />
          </>
        )}
      </Asked>
      {doing?.what === 'open' && <OpenPollDialog poll={doing.poll} onDone={done} onClose={() => setDoing(null)} />}
      {doing?.what === 'close' && <ClosePollDialog poll={doing.poll} onDone={done} onClose={() => setDoing(null)} />}
      {doing?.what === 'delete' && <DeletePollDialog poll={doing.poll} onDone={done} onClose={() => setDoing(null)} />}
    </>
  )
}

function NoPolls({ searched }: { searched: boolean }) {
  const { words } = useWords()
  const { may } = useMe()
  if (searched) return <p className="empty-place soft">{words.polls.noneFound}</p>
  return (
    <div className="empty-place">
      <p>{words.polls.none}</p>
      {may('polls.change') && <ButtonLink to="/admin/polls/new">{words.polls.makeFirst}</ButtonLink>}
    </div>
  )
}

function PollTable({ polls, onDo }: { polls: readonly ManagedPoll[]; onDo: (doing: Doing) => void }) {
  const { words } = useWords()
  const { may } = useMe()
  return (
    <TablePlace label={words.polls.title}>
      <Table aria-label={words.polls.title} verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col">{words.polls.poll}</Table.Th>
            <Table.Th scope="col">{words.polls.state}</Table.Th>
            <Table.Th scope="col" className="numeric">
              {words.polls.turnout}
            </Table.Th>
            <Table.Th scope="col" className="wide-only">
              {words.polls.lastActivity}
            </Table.Th>
            {may('polls.change') && <Table.Td />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {polls.map((poll) => (
            <PollRow key={poll.id} poll={poll} onDo={onDo} />
          ))}
        </Table.Tbody>
      </Table>
    </TablePlace>
  )
}

function PollRow({ poll, onDo }: { poll: ManagedPoll; onDo: (doing: Doing) => void }) {
  const { words, texts, format } = useWords()
  const { me, may } = useMe()
  const times = shortPollTimes(poll, texts, format)
  const published = poll.state !== 'draft'
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Link to="/admin/polls/$id" params={{ id: poll.id }}>
          {poll.title}
        </Link>
        {poll.owner?.id !== me.user?.id && (
          <p className="soft">{poll.owner === null ? words.polls.noOwner : words.polls.owner(poll.owner.username)}</p>
        )}
        <div className="cell-links">
          {published && (
            <a href={paths.vote(poll.id)} aria-label={words.polls.voteOf(poll.title)}>
              {words.polls.vote}
            </a>
          )}
          {published && (
            <a href={paths.results(poll.id)} aria-label={texts.home.resultsOf(poll.title)}>
              {texts.home.results}
            </a>
          )}
          {published && (
            <a href={resultsCsvUrl(poll.id)} download aria-label={words.polls.csvOf(poll.title)}>
              {words.polls.csv}
            </a>
          )}
        </div>
      </Table.Th>
      <Table.Td>
        <span className={`state state-${poll.state}`}>{words.states[poll.state]}</span>
        {times !== '' && <div className="soft">{times}</div>}
      </Table.Td>
      <Table.Td className="numeric">{format.number(poll.turnout)}</Table.Td>
      <Table.Td className="wide-only whole">{format.shortInstant(poll.lastActivityAt)}</Table.Td>
      {may('polls.change') && (
        <Table.Td className="table-actions">
          <PollActions poll={poll} onDo={onDo} />
        </Table.Td>
      )}
    </Table.Tr>
  )
}

function PollActions({ poll, onDo }: { poll: ManagedPoll; onDo: (doing: Doing) => void }) {
  const { words } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
  const duplicate = useMutation({
    mutationFn: () => duplicatePoll(poll.id),
    onSuccess(copy) {
      void client.invalidateQueries({ queryKey: keys.polls })
      void navigate({ to: '/admin/polls/$id', params: { id: copy.id } })
    },
  })
  const look = { size: 'compact-sm', variant: 'default' } as const
  return (
    <div>
      {(poll.state === 'draft' || poll.state === 'scheduled') && (
        <Button {...look} aria-label={words.polls.openOf(poll.title)} onClick={() => onDo({ what: 'open', poll })}>
          {poll.state === 'draft' ? words.polls.open : words.polls.times}
        </Button>
      )}
      {poll.state === 'open' && (
        <Button {...look} aria-label={words.polls.closeOf(poll.title)} onClick={() => onDo({ what: 'close', poll })}>
          {words.polls.close}
        </Button>
      )}
      <BusyButton {...look} aria-label={words.polls.duplicateOf(poll.title)} busy={duplicate.isPending} onClick={() => duplicate.mutate()}>
        {words.polls.duplicate}
      </BusyButton>
      {(poll.state === 'draft' || poll.state === 'closed') && (
        <Button
          {...look}
          variant="outline"
          color="danger"
          aria-label={words.polls.deleteOf(poll.title)}
          onClick={() => onDo({ what: 'delete', poll })}
        >
          {words.polls.delete}
        </Button>
      )}
      {duplicate.error !== null && <Refusal failure={duplicate.error} title={words.dialog.notDone} />}
    </div>
  )
}
