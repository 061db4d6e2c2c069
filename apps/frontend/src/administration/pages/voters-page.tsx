import { Button, Table, Textarea } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { RollAdded } from '@urna/contracts'
import { rollInput } from '@urna/contracts/access'
import { type SubmitEvent, useState } from 'react'
import { addToRoll, getOwnPoll, getRoll, removeFromRoll } from '../api.ts'
import { Asked, Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { ConfirmByTyping } from '../components/confirm-by-typing.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Pager, usePages } from '../components/pager.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { keys } from '../query-client.ts'
import { useChecked } from '../use-checked.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

/** The voter roll of a poll of level account. */
export function VotersPage({ id }: { id: string }) {
  const { words } = useWords()
  const { may } = useMe()
  const query = useQuery({ queryKey: keys.poll(id), queryFn: ({ signal }) => getOwnPoll(id, signal), refetchOnWindowFocus: false })
  return (
    <>
      <PageHeading title={words.roll.title} />
      <Asked query={query} queryKey={keys.poll(id)} loading={words.pollPage.loading}>
        {(poll) => (
          <>
            <p>
              <Link to="/admin/polls/$id" params={{ id }}>
                {poll.title}
              </Link>
            </p>
            {poll.access !== 'account' && <p className="notice notice-waiting">{words.roll.otherLevel}</p>}
            {may('voters.change') && <AddVoters pollId={id} />}
            <Roll pollId={id} />
          </>
        )}
      </Asked>
    </>
  )
}

/** Usernames have no blanks: whatever stands between them parts them. */
function usernamesIn(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((name) => name !== ''))]
}

function AddVoters({ pollId }: { pollId: string }) {
  const { words } = useWords()
  const client = useQueryClient()
  const [text, setText] = useState('')
  const [outcome, setOutcome] = useState<RollAdded | null>(null)
  const usernames = usernamesIn(text)
  const checked = useChecked(rollInput, { usernames })
  const add = useMutation({
    mutationFn: (names: string[]) => addToRoll(pollId, names),
    onSuccess(added) {
      setOutcome(added)
      // Those that nobody has stay, to be mended.
      setText(added.unknown.join('\n'))
      void client.invalidateQueries({ queryKey: keys.roll(pollId) })
    },
    onError: (failure) => checked.refuse(failure),
  })

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const input = checked.submit()
    if (input !== null && !add.isPending) add.mutate(input.usernames)
  }

  const fresh = add.isSuccess && text === ''
  const fault = checked.faultAt('usernames') ?? usernames.map((_, index) => checked.faultAt(`usernames[${index}]`)).find((said) => said)
  return (
    <form className="panel stack" ref={checked.form} onSubmit={submit} noValidate>
      <h2>{words.roll.add}</h2>
      <Textarea
        label={words.roll.usernames}
        description={words.roll.usernamesHint}
        rows={5}
        value={text}
        onChange={(event) => setText(event.target.value)}
        {...checked.field('usernames')}
        error={fresh ? undefined : fault}
        autoCapitalize="none"
        spellCheck={false}
      />
      {add.error !== null && !checked.saidInFields && <Refusal failure={add.error} title={words.dialog.notDone} />}
      <BusyButton type="submit" busy={add.isPending}>
        {words.roll.addButton}
      </BusyButton>
      <div role="status">
        {outcome !== null && <p>{words.roll.added(outcome.added, outcome.already)}</p>}
        {outcome !== null && outcome.unknown.length > 0 && (
          <p className="fault">
            {words.roll.unknown(outcome.unknown.length)} {outcome.unknown.join(', ')}
          </p>
        )}
      </div>
    </form>
  )
}

function Roll({ pollId }: { pollId: string }) {
  const { words } = useWords()
  const { may } = useMe()
  const client = useQueryClient()
  const pages = usePages<string>()
  const [removing, setRemoving] = useState<{ id: string; username: string } | null>(null)
  const queryKey = [...keys.roll(pollId), pages.after]
  const query = useQuery({ queryKey, queryFn: ({ signal }) => getRoll(pollId, pages.after, signal) })
  const remove = useMutation({
    mutationFn: (userId: string) => removeFromRoll(pollId, userId),
    onSuccess() {
      setRemoving(null)
      void client.invalidateQueries({ queryKey: keys.roll(pollId) })
    },
  })
  return (
    <section className="stack" aria-labelledby="roll-heading">
      <h2 id="roll-heading">{words.roll.list}</h2>
      <Asked query={query} queryKey={queryKey} loading={words.roll.loading}>
        {({ users, next, total }) =>
          total === 0 ? (
            <p className="empty-place soft">{words.roll.none}</p>
          ) : (
            <>
              <p>{words.roll.total(total)}</p>
              <TablePlace label={words.roll.list}>
                <Table aria-label={words.roll.list}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th scope="col">{words.users.username}</Table.Th>
                      <Table.Th scope="col">{words.users.fullName}</Table.Th>
                      {may('voters.change') && <Table.Td />}
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {users.map(({ id, username, name, secondName }) => (
                      <Table.Tr key={id}>
                        <Table.Th scope="row">{username}</Table.Th>
                        <Table.Td>{`${name} ${secondName}`.trim()}</Table.Td>
                        {may('voters.change') && (
                          <Table.Td className="table-actions">
                            <Button
                              size="compact-sm"
                              variant="outline"
                              color="danger"
                              aria-label={words.roll.removeOf(username)}
                              onClick={() => {
                                remove.reset()
                                setRemoving({ id, username })
                              }}
                            >
                              {words.roll.remove}
                            </Button>
                          </Table.Td>
                        )}
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </TablePlace>
              <Pager pages={pages} next={next} label={words.roll.list} />
            </>
          )
        }
      </Asked>
      {removing !== null && (
        <ConfirmByTyping
          title={words.roll.removeTitle}
          name={removing.username}
          button={words.roll.remove}
          busy={remove.isPending}
          failure={remove.error}
          onConfirm={() => remove.mutate(removing.id)}
          onClose={() => setRemoving(null)}
        >
          <p>{words.roll.removeText}</p>
        </ConfirmByTyping>
      )}
    </section>
  )
}
