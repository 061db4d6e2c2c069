import { chosen, figures } from './capacity-figures.ts'

export interface Demand {
  readonly votesPerSecond: number
  /** How many different people they come from; each votes once at least. */
  readonly voters: number
  readonly minutes: number
  /** Result pages that are open meanwhile. */
  readonly readers: number
}

export class DemandError extends Error {
  override name = 'DemandError'
}

export interface Capacity {
  readonly ballots: number
  /** First visits: pages are loaded once by a voter. */
  readonly visitsPerSecond: number
  /** Whether one process does it. */
  readonly standaloneIsEnough: boolean
  readonly parts: {
    readonly frontend: Machines
    readonly loadBalancer: Machines
    readonly api: Machines & { readonly memoryMb: number }
    readonly redis: Machines & { readonly memoryMb: number; readonly diskMb: number; readonly diskMbPerSecond: number }
    readonly consumer: Machines & { readonly memoryMb: number }
    readonly primary: Machines & { readonly diskMb: number; readonly diskMbPerSecond: number }
    readonly replica: Machines & { readonly diskMb: number; readonly diskMbPerSecond: number }
  }
  /** Bits a second. */
  readonly network: { readonly pages: number; readonly votes: number; readonly results: number; readonly inside: number }
  /** What cannot be had by one more of the same, the nearest to its end first. */
  readonly limits: readonly Limit[]
  /**
   * How many ballots wait when the last one has come, and how long they are counted afterwards. `fullAfterSeconds`: when BACKLOG_MAX is
   * reached, if nobody sets it higher, and votes are refused; null: never.
   */
  readonly backlog: { readonly ballots: number; readonly seconds: number; readonly fullAfterSeconds: number | null }
}

export interface Machines {
  readonly count: number
  readonly coresEach: number
  /** Of all of them together, cores that are busy. */
  readonly coresBusy: number
}

export interface Limit {
  readonly part: 'Redis' | 'primary' | 'replica' | 'line to the internet'
  /** Votes a second of which nothing is left to spare; above it the plan does not hold. */
  readonly votesPerSecond: number
  /** Of that, what is asked. */
  readonly share: number
}

const ranges: Readonly<Record<keyof Demand, readonly [min: number, max: number, option: string]>> = {
  votesPerSecond: [1, 1_000_000, '--votes-per-second'],
  minutes: [1, 1_440, '--minutes'],
  voters: [1, 10_000_000_000, '--voters'],
  readers: [0, 10_000_000, '--readers'],
}

/** Throws a {@link DemandError} with a sentence if that cannot be meant. */
export function assertSensible(demand: Demand): void {
  for (const [name, [min, max, option]] of Object.entries(ranges)) {
    const value = demand[name as keyof Demand]
    if (Number.isInteger(value) && value >= min && value <= max) continue
    throw new DemandError(`${option}: expected a whole number from ${min} to ${max}, got ${value}`)
  }
  const ballots = ballotsOf(demand)
  if (demand.voters > ballots) {
    throw new DemandError(
      `--voters: ${demand.voters} voters need as many votes, and ${demand.votesPerSecond} a second are ${ballots} in ${demand.minutes} minutes: ask for more votes a second, or more minutes`,
    )
  }
}

export function ballotsOf({ votesPerSecond, minutes }: Pick<Demand, 'votesPerSecond' | 'minutes'>): number {
  return votesPerSecond * minutes * 60
}

/** What this takes, if every part costs what was measured. */
export function planCapacity(demand: Demand): Capacity {
  assertSensible(demand)
  const { votesPerSecond: rate, readers, voters } = demand
  const seconds = demand.minutes * 60
  const ballots = ballotsOf(demand)
  const visitsPerSecond = voters / seconds
  const counted = Math.min(rate, figures.counting.value)
  const waiting = (rate - counted) * seconds
  const pushes = readers * chosen.pushesASecond
  const resultBits = 8 * pushes * chosen.eventBytes

  const busy = (microseconds: number, aSecond: number) => (aSecond * microseconds) / 1e6
  // A vote is a connection of its own: people vote once, and programs that keep theirs cost less.
  const atLoadBalancer = busy(figures.loadBalancerUs.value + figures.handshakeUs.value, rate)
  const workersOfReaders = (2 * readers) / chosen.connectionsOfWorker
  const atApis = busy(figures.apiUs.value, rate) + busy(figures.pushUs.value, pushes)
  const apis = Math.max(oneCoreEach(atApis).count, Math.ceil(readers / chosen.readersOfApi))
  const consumers = oneCoreEach(busy(figures.consumerUs.value, counted))
  // What was counted stays for a while. From a share of the memory on it goes earlier; that is no fault, but then a failover finds less.
  const kept = Math.min(seconds, chosen.replaySeconds) * counted * figures.redisMemory.value
  const mostInQueue = kept + waiting * figures.redisMemory.value

  return {
    ballots,
    visitsPerSecond,
    standaloneIsEnough: rate <= figures.standalone.value * chosen.busy && readers <= chosen.readersOfApi,
    parts: {
      frontend: manyCores(busy(figures.handshakeUs.value, visitsPerSecond), 0),
      loadBalancer: manyCores(atLoadBalancer, workersOfReaders),
      api: {
        count: apis,
        coresEach: 1,
        coresBusy: atApis,
        memoryMb: figures.apiMemory.value + (readers / apis) * (figures.readerMemory.value / 1_000),
      },
      redis: {
        count: 1,
        coresEach: 2,
        coresBusy: busy(figures.redisUs.value, rate),
        memoryMb: Math.max(kept / chosen.replayShare, mostInQueue / chosen.busy) / 1e6,
        // The file is written anew while the old one is still there.
        diskMb: (2 * mostInQueue) / chosen.busy / 1e6,
        diskMbPerSecond: (rate * figures.redisDisk.value) / 1e6,
      },
      consumer: { ...consumers, memoryMb: figures.consumerMemory.value },
      primary: database(busy(figures.primaryUs.value, counted), figures.primaryDisk.value),
      replica: database(busy(figures.replicaUs.value, counted), figures.replicaDisk.value),
    },
    network: {
      pages: 8 * visitsPerSecond * figures.pages.value,
      votes: 8 * rate * (figures.request.value + figures.answer.value + chosen.browserBytes),
      results: resultBits,
      inside: 8 * (rate * figures.redisNetwork.value + counted * (figures.primaryNetwork.value + figures.binaryLog.value)),
    },
    limits: limitsOf(rate, visitsPerSecond, resultBits),
    backlog: {
      ballots: waiting,
      seconds: waiting / figures.counting.value,
      fullAfterSeconds: waiting > chosen.backlogMax ? chosen.backlogMax / (rate - counted) : null,
    },
  }

  function database(coresBusy: number, bytesToDisk: number) {
    return {
      count: 1,
      coresEach: Math.max(2, Math.ceil(coresBusy / chosen.busy)),
      coresBusy,
      diskMb: (voters * figures.tables.value + ballots * figures.binaryLog.value) / chosen.busy / 1e6,
      diskMbPerSecond: (counted * bytesToDisk) / 1e6,
    }
  }
}

/** Processes with one thread that works: one more than are busy, of which one may be away. */
function oneCoreEach(coresBusy: number): Machines {
  return { count: Math.max(2, Math.ceil(coresBusy) + 1, Math.ceil(coresBusy / chosen.busy)), coresEach: 1, coresBusy }
}

/** One uses as many cores as it has. Without either of them the others are enough. */
function manyCores(coresBusy: number, workersOfConnections: number): Machines {
  const needed = Math.max(coresBusy, workersOfConnections)
  const count = Math.max(2, Math.ceil(needed / chosen.busy / chosen.coresOfLoadBalancer))
  const coresEach = Math.ceil(Math.max(needed / chosen.busy / count, needed / (count - 1)))
  return { count, coresEach: Math.max(1, coresEach), coresBusy }
}

function limitsOf(rate: number, visitsPerSecond: number, resultBits: number): Limit[] {
  const bytesAVote = figures.pages.value * (visitsPerSecond / rate) + figures.request.value + figures.answer.value + chosen.browserBytes
  // Redis does one command at a time; of the databases one thread was measured, and more threads are not what holds them up.
  const most: Readonly<Record<Limit['part'], number>> = {
    Redis: (chosen.busy * 1e6) / figures.redisUs.value,
    primary: figures.counting.value,
    replica: (chosen.busy * 1e6) / figures.replicaUs.value,
    // Live results may leave nothing of it for votes.
    'line to the internet': Math.max(0, chosen.line - resultBits) / (8 * bytesAVote),
  }
  return Object.entries(most)
    .map(([part, votesPerSecond]) => ({
      part: part as Limit['part'],
      votesPerSecond: Math.floor(votesPerSecond),
      share: rate / votesPerSecond,
    }))
    .sort((left, right) => right.share - left.share)
}
