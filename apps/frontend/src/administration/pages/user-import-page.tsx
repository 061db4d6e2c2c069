import { FileInput, Table, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { UserImport } from '@urna/contracts'
import { importBytesMax } from '@urna/contracts/user'
import { type SubmitEvent, useRef, useState } from 'react'
import { importUsers } from '../api.ts'
import { Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { ButtonLink } from '../components/links.tsx'
import { NotAllowed } from '../components/not-allowed.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { detailText } from '../faults.ts'
import { keys } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

/** Users from a CSV: looked at first, and only then taken. */
export function UserImportPage() {
  const { words } = useWords()
  const { may } = useMe()
  return may('users.change') ? <ImportUsers /> : <NotAllowed title={words.import.title} />
}

function ImportUsers() {
  const { words } = useWords()
  const client = useQueryClient()
  const [csv, setCsv] = useState('')
  const [fault, setFault] = useState<string | null>(null)
  const place = useRef<HTMLTextAreaElement>(null)
  const look = useMutation({ mutationFn: () => importUsers({ csv, dryRun: true }) })
  const take = useMutation({
    mutationFn: () => importUsers({ csv, dryRun: false }),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.users }),
  })

  /** What was looked at is not what stands there now. */
  function change(text: string) {
    setCsv(text)
    setFault(null)
    look.reset()
    take.reset()
  }

  async function choose(file: File | null) {
    if (file === null) return
    if (file.size > importBytesMax) return setFault(words.import.tooLarge)
    change(await file.text())
  }

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const said = csv.trim() === '' ? words.import.empty : new Blob([csv]).size > importBytesMax ? words.import.tooLarge : null
    setFault(said)
    if (said !== null) place.current?.focus()
    else if (!look.isPending) look.mutate()
  }

  const good = look.data !== undefined && look.data.faultsTotal === 0 && look.data.rows > 0
  return (
    <>
      <PageHeading title={words.import.title} />
      <p>{words.import.lead}</p>
      <p className="soft">{words.import.columns}</p>
      {take.data?.dryRun === false && take.data.faultsTotal === 0 ? (
        <div className="notice stack" role="status">
          <p>
            <strong>{words.import.done(take.data.created)}</strong>
          </p>
          <ButtonLink to="/admin/users">{words.import.toUsers}</ButtonLink>
        </div>
      ) : (
        <form className="panel stack" onSubmit={submit} noValidate>
          <FileInput
            label={words.import.file}
            placeholder={words.import.choose}
            accept=".csv,text/csv,text/plain"
            onChange={(file) => void choose(file)}
            size="md"
          />
          <Textarea
            ref={place}
            label={words.import.paste}
            value={csv}
            onChange={(event) => change(event.target.value)}
            error={fault ?? undefined}
            rows={8}
            spellCheck={false}
          />
          {look.error !== null && <Refusal failure={look.error} />}
          <BusyButton type="submit" variant={good ? 'default' : 'filled'} busy={look.isPending}>
            {words.import.look}
          </BusyButton>
        </form>
      )}
      <div role="status">
        {look.data !== undefined && take.data === undefined && <p>{words.import.found(look.data.rows, look.data.faultsTotal)}</p>}
      </div>
      {look.data !== undefined && take.data === undefined && <Outcome outcome={look.data} />}
      {take.data !== undefined && take.data.faultsTotal > 0 && <Outcome outcome={take.data} />}
      {take.error !== null && <Refusal failure={take.error} title={words.import.notDone} />}
      {good && take.data === undefined && look.data !== undefined && (
        <BusyButton busy={take.isPending} onClick={() => take.mutate()}>
          {words.import.take(look.data.rows)}
        </BusyButton>
      )}
    </>
  )
}

function Outcome({ outcome }: { outcome: UserImport }) {
  const { words } = useWords()
  return (
    <>
      {outcome.faults.length > 0 && (
        <section className="stack" aria-labelledby="faults-heading">
          <h2 id="faults-heading">{words.import.faults}</h2>
          <TablePlace label={words.import.faults}>
            <Table aria-labelledby="faults-heading">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col" className="numeric">
                    {words.import.line}
                  </Table.Th>
                  <Table.Th scope="col">{words.import.column}</Table.Th>
                  <Table.Th scope="col">{words.import.detail}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {outcome.faults.map(({ line, column, detail }) => (
                  <Table.Tr key={`${line} ${column} ${detail}`}>
                    <Table.Td className="numeric">{line}</Table.Td>
                    <Table.Td>{column === '' ? words.import.wholeRow : column}</Table.Td>
                    <Table.Td>{detailText(detail, words)}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </TablePlace>
          {outcome.faultsTotal > outcome.faults.length && <p>{words.import.moreFaults(outcome.faultsTotal - outcome.faults.length)}</p>}
        </section>
      )}
      {outcome.preview.length > 0 && (
        <section className="stack" aria-labelledby="preview-heading">
          <h2 id="preview-heading">{words.import.preview}</h2>
          <TablePlace label={words.import.preview}>
            <Table aria-labelledby="preview-heading">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th scope="col">{words.users.username}</Table.Th>
                  <Table.Th scope="col">{words.users.name}</Table.Th>
                  <Table.Th scope="col">{words.users.secondName}</Table.Th>
                  <Table.Th scope="col" className="wide-only">
                    {words.users.email}
                  </Table.Th>
                  <Table.Th scope="col">{words.users.role}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {outcome.preview.map((row) => (
                  <Table.Tr key={row.username}>
                    <Table.Th scope="row">{row.username}</Table.Th>
                    <Table.Td>{row.name}</Table.Td>
                    <Table.Td>{row.secondName}</Table.Td>
                    <Table.Td className="wide-only">{row.email}</Table.Td>
                    <Table.Td>{words.roles[row.role].name}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </TablePlace>
        </section>
      )}
    </>
  )
}
