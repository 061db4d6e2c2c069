import { chosen, figures, measuredOn } from './capacity-figures.ts'
import { type Capacity, type Demand, type Limit, type Machines, planCapacity } from './capacity-plan.ts'

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const precise = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 })
/** Of what must be there: never less than was reckoned. */
const atLeast = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2, roundingMode: 'ceil' })

/** The plan in lines, as a person reads it. */
export function capacityLines(demand: Demand): string[] {
  const plan = planCapacity(demand)
  return [...askedFor(demand, plan), '', ...partLines(plan), '', ...networkLines(plan), '', ...verdict(plan), '', ...terms()]
}

/** Each figure with where it comes from. */
export function figureLines(): string[] {
  return [
    ...Object.values(figures).map(({ value, unit, what, source }) => `${`${shown(value)} ${unit}`.padEnd(18)}${what} (${source})`),
    '',
    `Measured on ${measuredOn}.`,
  ]
}

function shown(value: number): string {
  return value >= 100 ? number.format(value) : String(value)
}

function askedFor({ votesPerSecond, minutes, voters, readers }: Demand, { ballots }: Capacity): string[] {
  const changes = ballots - voters
  return [
    `${number.format(votesPerSecond)} votes a second for ${minutes === 1 ? 'a minute' : `${number.format(minutes)} minutes`}: ${number.format(ballots)} ballots of ${number.format(voters)} voters${
      changes === 0 ? '' : ` (${number.format(changes)} change an earlier one)`
    }; ${number.format(readers)} open result pages`,
  ]
}

function partLines({ parts }: Capacity): string[] {
  const { api, consumer, frontend, loadBalancer, primary, redis, replica } = parts
  const disk = (each: { diskMb: number; diskMbPerSecond: number }) =>
    `disk ${size(each.diskMb)}, ${precise.format(each.diskMbPerSecond)} MB/s`
  return [
    row('part', 'how many', 'cores each', 'busy', 'beside that'),
    machines('frontend', frontend, 'the pages; any web server or CDN does it'),
    machines('load balancer', loadBalancer, 'most of it for new TLS connections'),
    machines('api', api, `memory ${size(api.memoryMb)} each`),
    machines('Redis', redis, `maxmemory ${size(redis.memoryMb)}, ${disk(redis)}`),
    machines('consumer', consumer, `memory ${size(consumer.memoryMb)} each`),
    machines('primary', primary, disk(primary)),
    machines('replica', replica, disk(replica)),
  ]
}

function machines(name: string, { count, coresEach, coresBusy }: Machines, more: string): string {
  return row(name, number.format(count), number.format(coresEach), `${precise.format(coresBusy)} cores`, more)
}

function row(...cells: readonly [string, string, string, string, string]): string {
  const [name, count, cores, busy, more] = cells
  return `${name.padEnd(15)}${count.padStart(8)}${cores.padStart(12)}${busy.padStart(13)}   ${more}`.trimEnd()
}

function networkLines({ network, visitsPerSecond }: Capacity): string[] {
  return [
    `network        ${bits(network.pages)} for ${number.format(visitsPerSecond)} first visits a second, ${bits(network.votes)} for votes, ${bits(
      network.results,
    )} for live results; inside ${bits(network.inside)}`,
  ]
}

function verdict({ limits, backlog, standaloneIsEnough }: Capacity): string[] {
  const [first] = limits
  const beyond = limits.filter(({ share }) => share > 1)
  return [
    ...(standaloneIsEnough
      ? ['One process does this: `make start`. What is above is for those who want no part to be alone, or databases of their own.']
      : []),
    ...(beyond.length === 0 && first !== undefined
      ? [
          `The limit: none is reached. The first would be the ${first.part}, at ${number.format(first.votesPerSecond)} votes a second (${percent(first.share)} of it is asked).`,
        ]
      : beyond.map((limit) => `THE LIMIT: ${limit.part}, ${asked(limit)}. ${remedies[limit.part]}`)),
    ...(backlog.ballots > 0
      ? [
          `When the last vote is in, ${number.format(backlog.ballots)} wait in the queue: on disk, not lost. All are counted ${duration(backlog.seconds)} later.`,
        ]
      : []),
    ...(backlog.fullAfterSeconds === null
      ? []
      : [
          `Set BACKLOG_MAX to ${Math.ceil(backlog.ballots / 1e6) * 1e6}: with ${number.format(chosen.backlogMax)}, as it is by default, voters are sent away (503) after ${duration(backlog.fullAfterSeconds)}.`,
        ]),
  ]
}

const remedies: Readonly<Record<Limit['part'], string>> = {
  Redis: 'One Redis does not take this. Spread the votes over more minutes, or divide voters among installations (docs/scaling.md).',
  primary: 'Votes are taken while they fit into the queue, and results come later. To count as fast: docs/scaling.md, "After one primary".',
  replica: 'It falls behind, and results with it. Several replicas do not help; fewer votes a second do.',
  'line to the internet': `More than ${bits(chosen.line)}. Give the pages to a CDN: they are files that never change (docs/pages.md). Live results must come from here.`,
}

function asked({ share, votesPerSecond }: Limit): string {
  if (votesPerSecond === 0) return 'of which live results leave nothing'
  return `${percent(share)} of ${number.format(votesPerSecond)} votes a second`
}

function terms(): string[] {
  return [
    `Every part is at most ${percent(chosen.busy)} busy, but for the primary, for which ballots can wait; of several one may be away. Polls of one question; each voter loads the pages once, each vote is a new`,
    'TLS connection. A disk that syncs slowly makes answers slower, not fewer: ballots that come meanwhile share the next sync.',
    `Measured on ${measuredOn}.`,
    'Cores of yours are others: `make bench-path` there. All figures and where each comes from: plan --figures.',
  ]
}

function size(megabytes: number): string {
  if (megabytes < 1_000) return `${number.format(Math.max(1, Math.ceil(megabytes / 64) * 64))} MB`
  return `${atLeast.format(megabytes / 1_000)} GB`
}

function bits(aSecond: number): string {
  return aSecond >= 1e9 ? `${precise.format(aSecond / 1e9)} Gbit/s` : `${precise.format(aSecond / 1e6)} Mbit/s`
}

function percent(share: number): string {
  return `${number.format(share * 100)} %`
}

function duration(seconds: number): string {
  if (seconds < 120) return `${number.format(Math.ceil(seconds))} seconds`
  return `${number.format(Math.ceil(seconds / 60))} minutes`
}
