import { compareSequences } from '../ballot/sequence.ts'
import { type ChangedBallot, tallyDeltas } from '../ballot/tally-deltas.ts'
import { bytesKey, compareBytes } from '../bytes.ts'
import type { PollId } from '../poll/poll.ts'
import type { LowWater } from '../ports/ballot-queue-maintenance.ts'
import {
  type BallotRepository,
  type CountableBallot,
  type CountBatch,
  type CountOutcome,
  type DeadLetter,
  PermanentDatabaseError,
} from '../ports/ballot-repository.ts'
import type { QueueEpochs } from '../ports/queue-epochs.ts'
import type { ResultsReader, Tally, TallySnapshot } from '../ports/results-reader.ts'
import { byQuestionAndKey } from './counting-samples.ts'

/**
 * The primary without a database: what is counted, in memory. For tests; passes the same contract suites as the real ones. Set `failure`
 * to make every call throw it.
 */
export class InMemoryBallots {
  failure: Error | null = null
  readonly #ballots = new Map<PollId, Map<string, CountableBallot>>()
  /** Poll -> `question:key` -> sum. */
  readonly #tallies = new Map<PollId, Map<string, Tally>>()
  readonly #turnout = new Map<PollId, number>()
  readonly #lastBallotAtMs = new Map<PollId, number>()
  readonly #deadLetters = new Map<string, DeadLetter>()
  readonly #lowWater = new Map<string, LowWater>()
  readonly #epochs = new Map<string, number>()

  readonly repository: BallotRepository = {
    countBatch: async (batch) => {
      this.#assertWorks()
      return this.#count(batch)
    },
    find: async (pollId, voterKey) => {
      this.#assertWorks()
      const ballot = this.#ballots.get(pollId)?.get(bytesKey(voterKey))
      return ballot === undefined ? null : { seq: ballot.seq, rank: ballot.rank, answers: ballot.answers }
    },
    findDeadLetter: async (seq) => {
      this.#assertWorks()
      return this.#deadLetters.get(bytesKey(seq))?.reason ?? null
    },
    readLowWater: async (epoch, stream) => {
      this.#assertWorks()
      return this.#lowWater.get(`${epoch}:${stream}`) ?? null
    },
    writingServer: async () => {
      this.#assertWorks()
      return ''
    },
    writeLowWater: async (row, expectedBeat) => {
      this.#assertWorks()
      const key = `${row.epoch}:${row.stream}`
      const stored = this.#lowWater.get(key)
      if ((stored?.beat ?? null) !== expectedBeat) return false
      if (stored !== undefined && (compareSequences(row.below, stored.below) < 0 || row.atMs < stored.atMs)) return false
      this.#lowWater.set(key, row)
      return true
    },
    erase: async (pollId) => {
      this.#assertWorks()
      this.#ballots.delete(pollId)
      this.#tallies.delete(pollId)
      this.#turnout.delete(pollId)
      this.#lastBallotAtMs.delete(pollId)
    },
  }

  readonly results: ResultsReader = {
    snapshot: async (pollId) => {
      this.#assertWorks()
      return this.#snapshot(pollId)
    },
    activityOf: async (pollIds) => {
      this.#assertWorks()
      return new Map(
        pollIds.map((id) => [id, { turnout: this.#turnout.get(id) ?? 0, lastBallotAtMs: this.#lastBallotAtMs.get(id) ?? null }]),
      )
    },
    recount: async (pollId, tallyKeysOf) => {
      this.#assertWorks()
      const stored = this.#snapshot(pollId)
      const counts = new Map<string, Tally>()
      const ballots = [...(this.#ballots.get(pollId)?.values() ?? [])]
      for (const { question, key } of ballots.flatMap((ballot) => tallyKeysOf(ballot.answers))) add(counts, question, key, 1)
      return { stored, counted: { turnout: ballots.length, tallies: nonZero(counts), asOfMs: stored.asOfMs } }
    },
  }

  readonly epochs: QueueEpochs = {
    register: async (identity) => {
      this.#assertWorks()
      if (identity.length < 1 || identity.length > 64) throw new PermanentDatabaseError('an identity has 1 to 64 bytes')
      const key = bytesKey(identity)
      const epoch = this.#epochs.get(key) ?? this.#epochs.size + 1
      this.#epochs.set(key, epoch)
      return epoch
    },
  }

  /** What was parked, in the order of parking. */
  get deadLetters(): readonly DeadLetter[] {
    return [...this.#deadLetters.values()]
  }

  #assertWorks(): void {
    if (this.failure !== null) throw this.failure
  }

  #count(batch: CountBatch): CountOutcome {
    assertSorted(batch.ballots)
    if (batch.ballots.some((ballot) => ballot.voterKey.length !== 16)) throw new PermanentDatabaseError('a voter key has 16 bytes')
    const changed: ChangedBallot[] = []
    const winning: CountableBallot[] = []
    for (const ballot of batch.ballots) {
      const stored = this.#ballots.get(ballot.pollId)?.get(bytesKey(ballot.voterKey))
      if (stored !== undefined && compareBytes(ballot.rank, stored.rank) <= 0) continue
      changed.push({ pollId: ballot.pollId, answers: ballot.answers, previousAnswers: stored?.answers ?? null })
      winning.push(ballot)
    }
    // May throw; what changes the store comes after it.
    const deltas = tallyDeltas(changed, batch.definitions)
    for (const ballot of winning) {
      mapOf(this.#ballots, ballot.pollId).set(bytesKey(ballot.voterKey), ballot)
      this.#lastBallotAtMs.set(ballot.pollId, Math.max(this.#lastBallotAtMs.get(ballot.pollId) ?? ballot.atMs, ballot.atMs))
    }
    for (const { pollId, question, key, delta } of deltas.tallies) add(mapOf(this.#tallies, pollId), question, key, delta)
    for (const [pollId, voters] of deltas.turnout) this.#turnout.set(pollId, (this.#turnout.get(pollId) ?? 0) + voters)
    for (const letter of batch.deadLetters) {
      if (!this.#deadLetters.has(bytesKey(letter.seq))) this.#deadLetters.set(bytesKey(letter.seq), letter)
    }
    const firstBallots = changed.filter((ballot) => ballot.previousAnswers === null).length
    return { firstBallots, changedBallots: changed.length - firstBallots, ignoredBallots: batch.ballots.length - changed.length }
  }

  #snapshot(pollId: PollId): TallySnapshot {
    const rows = [...this.#lowWater.values()]
    const newest = Math.max(...rows.map((row) => row.epoch))
    const times = rows.filter((row) => row.epoch === newest).map((row) => row.atMs)
    return {
      turnout: this.#turnout.get(pollId) ?? 0,
      tallies: nonZero(this.#tallies.get(pollId) ?? new Map()),
      asOfMs: times.length === 0 ? null : Math.min(...times),
    }
  }
}

function mapOf<Key, Value>(maps: Map<PollId, Map<Key, Value>>, pollId: PollId): Map<Key, Value> {
  let map = maps.get(pollId)
  if (map === undefined) {
    map = new Map()
    maps.set(pollId, map)
  }
  return map
}

function add(counts: Map<string, Tally>, question: number, key: string, delta: number): void {
  const name = `${question}:${key}`
  counts.set(name, { question, key, count: (counts.get(name)?.count ?? 0) + delta })
}

function nonZero(counts: ReadonlyMap<string, Tally>): Tally[] {
  return [...counts.values()].filter((tally) => tally.count !== 0).sort(byQuestionAndKey)
}

function assertSorted(ballots: readonly CountableBallot[]): void {
  for (const [index, ballot] of ballots.entries()) {
    const previous = ballots[index - 1]
    if (previous === undefined || previous.pollId < ballot.pollId) continue
    if (previous.pollId === ballot.pollId && compareBytes(previous.voterKey, ballot.voterKey) < 0) continue
    throw new Error('a batch must hold each voter of a poll once, sorted by poll and voter key')
  }
}
