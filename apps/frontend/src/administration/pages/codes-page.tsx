import { Button, Radio, Table, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { VotingCode } from '@urna/contracts'
import { codesAtOnceMax, codesInput } from '@urna/contracts/access'
import { type SubmitEvent, useState } from 'react'
import { getCodes, getOwnPoll, makeCodes, revokeCode } from '../api.ts'
import { Asked, Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { CodeSheet } from '../components/code-sheet.tsx'
import { ConfirmByTyping } from '../components/confirm-by-typing.tsx'
import { LeaveWarning } from '../components/leave-warning.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Pager, usePages } from '../components/pager.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { linesOf } from '../poll-draft.ts'
import { keys } from '../query-client.ts'
import { useChecked } from '../use-checked.ts'
import { useMe } from '../use-me.ts'
import type { MadeCode } from '../voting-code.ts'
import { useWords } from '../words.ts'

/** The voting codes of a poll of level code. */
export function CodesPage({ id }: { id: string }) {
  const { words } = useWords()
  const { may } = useMe()
  const [made, setMade] = useState<readonly MadeCode[]>([])
  const [kept, setKept] = useState(false)
  const query = useQuery({ queryKey: keys.poll(id), queryFn: ({ signal }) => getOwnPoll(id, signal), refetchOnWindowFocus: false })
  return (
    <>
      <PageHeading title={words.codes.title} />
      <Asked query={query} queryKey={keys.poll(id)} loading={words.pollPage.loading}>
        {(poll) => (
          <>
            <p className="not-printed">
              <Link to="/admin/polls/$id" params={{ id }}>
                {poll.title}
              </Link>
            </p>
            {poll.access !== 'code' && <p className="notice notice-waiting not-printed">{words.codes.otherLevel}</p>}
            {made.length > 0 && <CodeSheet key={made[0]?.id} pollId={id} title={poll.title} codes={made} onKept={() => setKept(true)} />}
            <div className="not-printed stack">
              {may('voters.change') && (
                <MakeCodes
                  pollId={id}
                  unkept={made.length > 0 && !kept}
                  onMade={(codes) => {
                    setMade(codes)
                    setKept(false)
                  }}
                />
              )}
              <Codes pollId={id} />
            </div>
            <LeaveWarning when={made.length > 0 && !kept} text={words.codes.leave} />
          </>
        )}
      </Asked>
    </>
  )
}

interface MakeCodesProps {
  pollId: string
  /** Codes are shown that would be gone if others took their place. */
  unkept: boolean
  onMade: (codes: readonly MadeCode[]) => void
}

function MakeCodes({ pollId, unkept, onMade }: MakeCodesProps) {
  const { words } = useWords()
  const client = useQueryClient()
  const [kind, setKind] = useState<'count' | 'labels'>('count')
  const [count, setCount] = useState('50')
  const [labels, setLabels] = useState('')
  const value = kind === 'count' ? { count: count.trim() === '' ? Number.NaN : Number(count) } : { labels: linesOf(labels) }
  const checked = useChecked<unknown>(codesInput, value)
  const make = useMutation({
    mutationFn: () => makeCodes(pollId, kind === 'count' ? { count: Number(count) } : { labels: linesOf(labels) }),
    onSuccess({ codes }) {
      onMade(codes)
      setLabels('')
      void client.invalidateQueries({ queryKey: keys.codes(pollId) })
    },
    onError: (failure) => checked.refuse(failure),
  })

  function submit(event: SubmitEvent) {
    event.preventDefault()
    if (checked.submit() !== null && !make.isPending) make.mutate()
  }

  const labelFault = Object.values(linesOf(labels))
    .map((_, index) => checked.faultAt(`labels[${index}]`))
    .find((fault) => fault !== undefined)
  const fresh = make.isSuccess && labels === ''
  return (
    <form className="panel stack" ref={checked.form} onSubmit={submit} noValidate>
      <h2>{words.codes.make}</h2>
      <p className="soft">{words.codes.hint}</p>
      <Radio.Group label={words.codes.kind} value={kind} onChange={(chosen) => setKind(chosen === 'labels' ? 'labels' : 'count')}>
        <div className="levels">
          <Radio value="count" label={words.codes.kindCount} />
          <Radio value="labels" label={words.codes.kindLabels} />
        </div>
      </Radio.Group>
      {kind === 'count' ? (
        <TextInput
          className="narrow"
          type="number"
          inputMode="numeric"
          min={1}
          max={codesAtOnceMax}
          label={words.codes.count}
          description={words.codes.countHint(codesAtOnceMax)}
          value={count}
          onChange={(event) => setCount(event.target.value)}
          {...checked.field('count')}
        />
      ) : (
        <Textarea
          label={words.codes.labels}
          description={words.codes.labelsHint}
          rows={6}
          value={labels}
          onChange={(event) => setLabels(event.target.value)}
          {...checked.field('labels')}
          error={fresh ? undefined : (checked.faultAt('labels') ?? labelFault)}
        />
      )}
      {make.error !== null && !checked.saidInFields && <Refusal failure={make.error} title={words.dialog.notDone} />}
      {unkept && <p className="soft">{words.codes.unkept}</p>}
      <BusyButton type="submit" busy={make.isPending} disabled={unkept}>
        {words.codes.makeButton}
      </BusyButton>
    </form>
  )
}

function Codes({ pollId }: { pollId: string }) {
  const { words, format } = useWords()
  const { may } = useMe()
  const client = useQueryClient()
  const pages = usePages<string>()
  const [revoking, setRevoking] = useState<VotingCode | null>(null)
  const queryKey = [...keys.codes(pollId), pages.after]
  const query = useQuery({ queryKey, queryFn: ({ signal }) => getCodes(pollId, pages.after, signal) })
  const revoke = useMutation({
    mutationFn: (codeId: string) => revokeCode(pollId, codeId),
    onSuccess() {
      setRevoking(null)
      void client.invalidateQueries({ queryKey: keys.codes(pollId) })
    },
  })
  const nameOf = ({ label, id }: VotingCode) => (label === '' ? id : label)
  return (
    <section className="stack" aria-labelledby="codes-heading">
      <h2 id="codes-heading">{words.codes.list}</h2>
      <Asked query={query} queryKey={queryKey} loading={words.codes.loading}>
        {({ codes, next, total, revoked }) =>
          total === 0 ? (
            <p className="empty-place soft">{words.codes.none}</p>
          ) : (
            <>
              <p>{words.codes.totals(total, revoked)}</p>
              <TablePlace label={words.codes.list}>
                <Table aria-label={words.codes.list}>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th scope="col">{words.codes.label}</Table.Th>
                      <Table.Th scope="col" className="wide-only">
                        {words.codes.madeAt}
                      </Table.Th>
                      <Table.Th scope="col">{words.codes.state}</Table.Th>
                      {may('voters.change') && <Table.Td />}
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {codes.map((code) => (
                      <Table.Tr key={code.id}>
                        <Table.Th scope="row">{code.label === '' ? <code>{code.id}</code> : code.label}</Table.Th>
                        <Table.Td className="wide-only">{format.shortInstant(code.createdAt)}</Table.Td>
                        <Table.Td>
                          {code.revokedAt === null ? words.codes.valid : words.codes.revokedAt(format.shortInstant(code.revokedAt))}
                        </Table.Td>
                        {may('voters.change') && (
                          <Table.Td className="table-actions">
                            {code.revokedAt === null && (
                              <Button
                                size="compact-sm"
                                variant="outline"
                                color="danger"
                                aria-label={words.codes.revokeOf(nameOf(code))}
                                onClick={() => {
                                  revoke.reset()
                                  setRevoking(code)
                                }}
                              >
                                {words.codes.revoke}
                              </Button>
                            )}
                          </Table.Td>
                        )}
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </TablePlace>
              <Pager pages={pages} next={next} label={words.codes.list} />
            </>
          )
        }
      </Asked>
      {revoking !== null && (
        <ConfirmByTyping
          title={words.codes.revokeTitle}
          name={nameOf(revoking)}
          button={words.codes.revoke}
          busy={revoke.isPending}
          failure={revoke.error}
          onConfirm={() => revoke.mutate(revoking.id)}
          onClose={() => setRevoking(null)}
        >
          <p>{words.codes.revokeText}</p>
        </ConfirmByTyping>
      )}
    </section>
  )
}
