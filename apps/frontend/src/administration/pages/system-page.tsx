import { useQuery } from '@tanstack/react-query'
import type { System } from '@urna/contracts'
import { getSystem } from '../api.ts'
import { Asked } from '../components/asked.tsx'
import { NotAllowed } from '../components/not-allowed.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { keys } from '../query-client.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

const refreshMs = 3_000

export function SystemPage() {
  const { words } = useWords()
  const { may } = useMe()
  return may('system.read') ? <SystemShown /> : <NotAllowed title={words.system.title} />
}

function SystemShown() {
  const { words, format } = useWords()
  const query = useQuery({ queryKey: keys.system, queryFn: ({ signal }) => getSystem(signal), refetchInterval: refreshMs })
  return (
    <>
      <PageHeading title={words.system.title} />
      <Asked query={query} queryKey={keys.system} loading={words.system.loading}>
        {(system) => (
          <>
            <p className="soft numbers">
              {words.system.asOf(format.clock(new Date(query.dataUpdatedAt).toISOString()))} {words.system.version(system.version)}
            </p>
            <Figures system={system} />
          </>
        )}
      </Asked>
    </>
  )
}

function Figures({ system: { queue, counting, database } }: { system: System }) {
  const { words, format } = useWords()
  const { system: texts } = words
  const number = (value: number | null) => (value === null ? texts.unknown : format.number(value))
  const seconds = (value: number | null) => (value === null ? texts.unknown : format.duration(value * 1_000))
  const state = (ok: boolean) => (ok ? texts.ok : texts.away)
  return (
    <dl className="figures">
      <Figure name={texts.queue} value={state(queue.ok)} bad={!queue.ok} meaning={texts.queueMeaning} />
      <Figure name={texts.backlog} value={number(queue.waiting)} meaning={texts.backlogMeaning} />
      <Figure
        name={texts.oldest}
        value={queue.waiting === 0 ? texts.noneWaits : seconds(queue.oldestAgeSeconds)}
        meaning={texts.oldestMeaning}
      />
      <Figure name={texts.consumers} value={number(queue.consumers)} bad={queue.consumers === 0} meaning={texts.consumersMeaning} />
      <Figure
        name={texts.countedUntil}
        value={counting.countedUntil === null ? texts.unknown : format.clock(counting.countedUntil)}
        meaning={texts.countedUntilMeaning}
      />
      <Figure name={texts.database} value={state(database.ok)} bad={!database.ok} meaning={texts.databaseMeaning} />
      {database.replica === null ? (
        <Figure name={texts.replica} value={texts.none} meaning={texts.noReplicaMeaning} />
      ) : (
        <Figure
          name={texts.lag}
          value={database.replica.ok ? seconds(database.replica.lagSeconds) : texts.away}
          bad={!database.replica.ok}
          meaning={texts.lagMeaning}
        />
      )}
    </dl>
  )
}

interface FigureProps {
  name: string
  value: string
  bad?: boolean
  meaning: string
}

function Figure({ name, value, bad = false, meaning }: FigureProps) {
  return (
    <div className={bad ? 'figure figure-bad' : 'figure'}>
      <dt>{name}</dt>
      <dd className="figure-value">{value}</dd>
      <dd className="soft">{meaning}</dd>
    </div>
  )
}
