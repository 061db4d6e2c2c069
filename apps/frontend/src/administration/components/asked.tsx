import { Button } from '@mantine/core'
import { type QueryKey, type UseQueryResult, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useFocusKept } from '../../use-focus-kept.ts'
import { describe, mayPass } from '../describe.ts'
import { useWords } from '../words.ts'

interface AskedProps<Value> {
  query: UseQueryResult<Value>
  queryKey: QueryKey
  /** What is said while the first answer is on its way. */
  loading: string
  children: (value: Value) => ReactNode
}

/** Shows what was asked for: that it is on its way, what came, and, calmly, that a part of the installation is away. What has come once stays. */
export function Asked<Value>({ query, queryKey, loading, children }: AskedProps<Value>) {
  const failure = query.failureReason ?? query.error
  return (
    <>
      {failure !== null && <AwayNotice failure={failure} query={query} queryKey={queryKey} />}
      {query.data === undefined ? failure === null && <Loading>{loading}</Loading> : children(query.data)}
    </>
  )
}

export function Loading({ children }: { children: ReactNode }) {
  return (
    <p className="soft" role="status">
      {children}
    </p>
  )
}

interface AwayNoticeProps {
  failure: Error
  query: UseQueryResult
  queryKey: QueryKey
}

function AwayNotice({ failure, query, queryKey }: AwayNoticeProps) {
  const { words, texts, format } = useWords()
  const client = useQueryClient()
  const place = useFocusKept<HTMLDivElement>()
  if (!mayPass(failure)) return <Refusal failure={failure} />

  async function tryNow() {
    // The wait for the next try goes on otherwise.
    await client.cancelQueries({ queryKey }, { silent: true })
    await query.refetch()
  }

  return (
    <div className="notice notice-waiting" role="status" ref={place}>
      <p>
        <strong>{describe(failure, words, texts)}</strong> {words.away.retrying}
      </p>
      {query.dataUpdatedAt > 0 && <p className="soft">{words.away.asOf(format.clock(new Date(query.dataUpdatedAt).toISOString()))}</p>}
      <Button variant="default" onClick={() => void tryNow()}>
        {words.away.tryNow}
      </Button>
    </div>
  )
}

interface RefusalProps {
  failure: unknown
  /** What it means here. */
  title?: string
  children?: ReactNode
}

/** Why a change was not made: nothing that was typed is lost. */
export function Refusal({ failure, title, children }: RefusalProps) {
  const { words, texts } = useWords()
  const why = describe(failure, words, texts)
  return (
    <div className={mayPass(failure) ? 'notice notice-waiting' : 'notice notice-refused'} role="alert">
      <p>
        <strong>{title ?? why}</strong> {title !== undefined && why} {mayPass(failure) && words.away.sendAgain}
      </p>
      {children}
    </div>
  )
}
