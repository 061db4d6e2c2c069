import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { AuditRecord } from '@urna/contracts'
import { getAudit } from '../api.ts'
import { Asked } from '../components/asked.tsx'
import { NotAllowed } from '../components/not-allowed.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { Pager, usePages } from '../components/pager.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { keys } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

export function AuditPage() {
  const { words } = useWords()
  const { may } = useMe()
  return may('audit.read') ? <AuditTrail /> : <NotAllowed title={words.audit.title} />
}

/** Who changed what, when: newest first. */
function AuditTrail() {
  const { words } = useWords()
  const pages = usePages<number>()
  const queryKey = [...keys.audit, pages.after]
  const query = useQuery({ queryKey, queryFn: ({ signal }) => getAudit(pages.after, signal) })
  return (
    <>
      <PageHeading title={words.audit.title} />
      <p>{words.audit.lead}</p>
      <p className="soft">{words.audit.hashHint}</p>
      <Asked query={query} queryKey={queryKey} loading={words.audit.loading}>
        {({ records, next }) => (
          <>
            {records.length === 0 ? <p className="empty-place soft">{words.audit.none}</p> : <Records records={records} />}
            <Pager pages={pages} next={next} label={words.audit.title} />
          </>
        )}
      </Asked>
    </>
  )
}

function Records({ records }: { records: readonly AuditRecord[] }) {
  const { words, format } = useWords()
  return (
    <TablePlace label={words.audit.title}>
      <Table aria-label={words.audit.title}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col" className="numeric">
              {words.audit.number}
            </Table.Th>
            <Table.Th scope="col">{words.audit.when}</Table.Th>
            <Table.Th scope="col">{words.audit.who}</Table.Th>
            <Table.Th scope="col">{words.audit.what}</Table.Th>
            <Table.Th scope="col" className="wide-only">
              {words.audit.details}
            </Table.Th>
            <Table.Th scope="col" className="wide-only">
              {words.audit.hash}
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {records.map(({ number, at, actor, action, subject, details, hash }) => (
            <Table.Tr key={number}>
              <Table.Td className="numeric">{number}</Table.Td>
              <Table.Td>{format.shortInstant(at)}</Table.Td>
              <Table.Td>{actor}</Table.Td>
              <Table.Td>
                <code>{action}</code> {subject}
              </Table.Td>
              <Table.Td className="wide-only">
                {Object.entries(details)
                  .map(([name, value]) =>
                    name.endsWith('Ms') && typeof value === 'number'
                      ? `${name.slice(0, -2)}: ${format.shortInstant(new Date(value).toISOString())}`
                      : `${name}: ${value ?? '–'}`,
                  )
                  .join(', ')}
              </Table.Td>
              <Table.Td className="wide-only">
                <code className="hash">{hash}</code>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </TablePlace>
  )
}
