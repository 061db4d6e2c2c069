import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { ClusterProcess } from '../../e2e/cluster-process.ts'
import { send, until } from '../../support/client.ts'
import type { Notes } from './notes.ts'
import { command, kill, replicaHoldsBack, replicaIsLate } from './servers.ts'
import type { Voter, Voters } from './voters.ts'
import { consumers, type Watch } from './watch.ts'

export interface Place {
  readonly cluster: ClusterProcess
  readonly voters: Voters
  readonly watch: Watch
  readonly notes: Notes
  /** How long something is away. */
  readonly awayMs: number
}

/** What a round saw, when everything is counted. */
export interface Seen {
  readonly notes: Notes
  readonly watch: Watch
  readonly voters: Voters
  /** When something was taken away, and when it was given back; epoch milliseconds. */
  readonly awayAtMs: number
  readonly backAtMs: number
  /** By how much the figures of the apis grew. */
  readonly metrics: ReadonlyMap<string, number>
  readonly log: ReadonlyMap<string, number>
}

export interface Round {
  readonly name: string
  /** Of the two lengths of outages, the one of the databases or that of the queue. */
  readonly length: 'database' | 'queue'
  /** Takes something away, and gives it back. */
  /** The lines of level ERROR that it is right to write: somebody must act. In all other rounds nobody has to. */
  readonly alarm?: RegExp
  readonly outage: (place: Place, awayMs: number) => Promise<void>
  /** What is wrong, in words, beside what must hold in every round. */
  readonly judge: (seen: Seen) => string[]
}

const refusedByQueue = /^503 urn:urna:problem:queue-unavailable: "/
const refusedByPrimary = /^503 urn:urna:problem:primary-unavailable: "/
const resultsShown = /^200, Cache-Control: public, no-cache$/

/** The words where it is not so. */
function unless(holds: boolean, words: string): string[] {
  return holds ? [] : [words]
}

/** Every text of the subject matches one of these. */
function only(notes: Notes, subject: string, ...expected: (string | RegExp)[]): string[] {
  const isExpected = (text: string) => expected.some((one) => (typeof one === 'string' ? one === text : one.test(text)))
  return notes.texts(subject).flatMap((text) => unless(isExpected(text), `${subject}: ${text}`))
}

function said(notes: Notes, subject: string, text: string | RegExp): string[] {
  return unless(notes.count(subject, text) > 0, `${subject}: never said ${text}`)
}

/** What holds while everything is there, and while a database is away: whoever votes never notices. */
function votingGoesOn({ notes }: Seen): string[] {
  return only(notes, 'voter', '202')
}

function resultsGoOn({ notes }: Seen): string[] {
  return [...only(notes, 'results', resultsShown), ...only(notes, 'live results', 'results')]
}

/** Somebody who has just been counted is shown it, whatever the replica knows. */
function ownBallotsAreShown({ notes, watch }: Seen): string[] {
  return [
    ...only(notes, 'receipt', 'received', 'counted'),
    ...only(notes, 'own ballot', '200'),
    ...unless(watch.ownRight > 0, 'nobody looked at a ballot of their own'),
  ]
}

/** While the replica is away its readers read from the primary, and say so. */
function readsFromPrimary(seen: Seen): string[] {
  const { awayAtMs, backAtMs, log, metrics, notes, watch } = seen
  return [
    ...votingGoesOn(seen),
    ...resultsGoOn(seen),
    ...ownBallotsAreShown(seen),
    ...only(notes, 'administration', '201'),
    ...only(notes, '/readyz api', '200', '200, not ok: replica'),
    ...said(notes, '/readyz api', '200, not ok: replica'),
    ...only(notes, '/readyz consumer', '200'),
    ...unless(metrics.has('urna_events_total{database results-from-primary}'), 'no metric tells that results were read from the primary'),
    ...unless(
      [...log.keys()].some((line) => line.startsWith('api WARN: the replica does not answer: results and lists are read from the primary')),
      'no api warned that the replica is away',
    ),
    ...unless(
      watch.looks.some(({ atMs, asOfMs }) => asOfMs > awayAtMs && atMs < backAtMs),
      'results stood still while the replica was away',
    ),
  ]
}

async function stopAndStart({ cluster, notes }: Place, name: string, awayMs: number): Promise<void> {
  notes.beginOutage()
  await command(cluster, 'stop', name)
  await delay(awayMs)
  await command(cluster, 'start', name)
}

/** While the queue is away nobody can vote, and is told so; everything else goes on. */
function votingWaits(seen: Seen): string[] {
  const { notes } = seen
  return [
    ...only(notes, 'voter', '202', refusedByQueue),
    ...said(notes, 'voter', refusedByQueue),
    ...resultsGoOn(seen),
    ...ownBallotsAreShown(seen),
    ...only(notes, 'administration', '201'),
    ...only(notes, '/readyz api', '200', '503, not ok: queue'),
    ...said(notes, '/readyz api', '503, not ok: queue'),
    ...only(notes, '/readyz consumer', '200', '503, not ok: queue'),
    ...said(notes, '/readyz consumer', '503, not ok: queue'),
  ]
}

/** Long enough for both apis to read elsewhere meanwhile. */
const killedMs = 5_000

export const rounds: readonly Round[] = [
  {
    name: 'replica stopped',
    length: 'database',
    outage: (place, awayMs) => stopAndStart(place, 'replica', awayMs),
    judge: readsFromPrimary,
  },
  {
    name: 'replica lagging',
    length: 'database',
    async outage({ cluster, notes }, awayMs) {
      notes.beginOutage()
      await replicaHoldsBack(cluster, true)
      await delay(awayMs)
      await replicaHoldsBack(cluster, false)
    },
    judge(seen) {
      const { awayAtMs, backAtMs, notes, watch } = seen
      return [
        ...votingGoesOn(seen),
        ...resultsGoOn(seen),
        ...ownBallotsAreShown(seen),
        ...only(notes, 'administration', '201'),
        ...only(notes, '/readyz api', '200'),
        ...only(notes, '/readyz consumer', '200'),
        // Three seconds: the copies that are shown are up to two old, and whoever looks does so twice a second.
        ...unless(
          !watch.looks.some(({ atMs, asOfMs }) => atMs > awayAtMs + 3_000 && atMs < backAtMs && asOfMs > awayAtMs + 1_000),
          'the replica did not lag',
        ),
        ...unless(watch.ownBeforeResults > 0, 'nobody saw a ballot of their own before the results had it'),
      ]
    },
  },
  {
    name: 'replica killed behind',
    length: 'database',
    // When it is back it knows less than the primary has told meanwhile, and it stays so.
    async outage({ cluster, notes, watch }, awayMs) {
      await replicaIsLate(cluster, 3_600)
      await delay(awayMs / 2)
      notes.beginOutage()
      await kill(cluster, 'replica')
      await delay(killedMs)
      await watch.lookAtQuietPoll('api-1')
      await command(cluster, 'start', 'replica')
      await until(async () => ((await watch.allIsWell()) ? true : null))
      await watch.lookAtQuietPoll('api-2')
      await delay(awayMs / 2)
      await replicaIsLate(cluster, 0)
    },
    judge: (seen) => [...readsFromPrimary(seen), ...only(seen.notes, 'results of a quiet poll', '200')],
  },
  {
    name: 'primary stopped',
    length: 'database',
    outage: (place, awayMs) => stopAndStart(place, 'primary', awayMs),
    judge(seen) {
      const { awayAtMs, backAtMs, log, notes, watch } = seen
      const away = watch.looks.filter(({ atMs }) => atMs > awayAtMs && atMs < backAtMs)
      return [
        ...votingGoesOn(seen),
        ...resultsGoOn(seen),
        ...only(notes, 'receipt', 'received', 'counted', refusedByPrimary),
        ...said(notes, 'receipt', refusedByPrimary),
        ...only(notes, 'own ballot', '200', refusedByPrimary),
        ...only(notes, 'administration', '201', refusedByPrimary),
        ...said(notes, 'administration', refusedByPrimary),
        ...only(notes, '/readyz api', '200', '200, not ok: database'),
        ...said(notes, '/readyz api', '200, not ok: database'),
        ...only(notes, '/readyz consumer', '200', '503, not ok: database'),
        ...said(notes, '/readyz consumer', '503, not ok: database'),
        ...unless(Math.max(...away.map(({ waiting }) => waiting)) > 0, 'results never said that ballots wait'),
        ...unless(
          [...log.keys()].some((line) => line.startsWith('api WARN: the primary does not answer: voting goes on')),
          'no api warned that the primary is away',
        ),
      ]
    },
  },
  {
    name: 'queue stopped',
    length: 'queue',
    outage: (place, awayMs) => stopAndStart(place, 'redis', awayMs),
    judge: votingWaits,
  },
  {
    name: 'queue hangs',
    length: 'queue',
    async outage({ cluster, notes }, awayMs) {
      notes.beginOutage()
      await command(cluster, 'pause', 'redis')
      await delay(awayMs)
      await command(cluster, 'resume', 'redis')
    },
    judge: votingWaits,
  },
  {
    name: 'queue wiped',
    length: 'queue',
    alarm: /^(api|consumer) ERROR: the queue was wiped/,
    outage: wipe,
    judge(seen) {
      const { notes, voters } = seen
      const wiped = voters.ofRound.flatMap(({ acknowledged }) => acknowledged).filter((one) => one.wiped)
      return [
        ...only(notes, 'voter', '202', refusedByQueue),
        ...said(notes, 'voter', refusedByQueue),
        ...resultsGoOn(seen),
        ...only(notes, 'receipt', 'received', 'counted', 'lost'),
        ...only(notes, 'own ballot', '200'),
        ...only(notes, 'administration', '201'),
        ...only(notes, '/readyz api', '200', '503, not ok: queue'),
        ...only(notes, '/readyz consumer', '200', '503, not ok: queue'),
        ...unless(wiped.length > 0, 'nothing was in the queue when it was wiped'),
      ]
    },
  },
]

/** Of so many voters whose ballots were lost each votes again, as the receipt says. */
const votersAgain = 20

/** Nobody counts; then the queue goes, with everything in it, and another one comes in its place. */
async function wipe({ cluster, notes, voters, watch }: Place, awayMs: number): Promise<void> {
  notes.beginOutage()
  watch.consumersRun = false
  for (const consumer of consumers) await command(cluster, 'stop', consumer)
  const stoppedAtMs = performance.now()
  await delay(awayMs)
  const acknowledged = voters.ofRound.flatMap((voter) => voter.acknowledged)
  // Those from before: whatever says `received`, now that nobody counts, is in the queue alone.
  for (const one of acknowledged.filter(({ atMs }) => atMs <= stoppedAtMs)) {
    one.wiped = (await receiptStatus(cluster.url, one.receipt)) === 'received'
  }
  await kill(cluster, 'redis')
  // An answer that was on its way has come by now.
  await delay(500)
  const uncounted = voters.ofRound.flatMap((voter) => voter.acknowledged).filter((one) => one.atMs > stoppedAtMs)
  for (const one of uncounted) one.wiped = true
  rmSync(cluster.at('redis/appendonlydir'), { recursive: true })
  await command(cluster, 'start', 'redis')
  for (const consumer of consumers) await command(cluster, 'start', consumer)
  watch.consumersRun = true
  await voteAgain(cluster.url, voters)
}

async function voteAgain(url: string, voters: Voters): Promise<void> {
  const lostReceipt = ({ acknowledged, isBusy }: Voter) => {
    const last = acknowledged.at(-1)
    return !isBusy && last?.wiped === true ? last.receipt : null
  }
  for (let again = 0; again < votersAgain; again++) {
    const voter = voters.ofRound.find((candidate) => lostReceipt(candidate) !== null)
    if (voter === undefined) return
    const receipt = lostReceipt(voter) ?? ''
    voter.isBusy = true
    await until(async () => ((await receiptStatus(url, receipt)) === 'lost' ? true : null))
    await voters.vote(voter)
    voter.isBusy = false
  }
}

export async function receiptStatus(url: string, receipt: string): Promise<string> {
  const answer = await send('GET', `${url}/v1/receipts`, { headers: { 'urna-receipt': receipt } })
  return answer.status === 200 ? (JSON.parse(answer.text) as { status: string }).status : `HTTP ${answer.status}`
}
