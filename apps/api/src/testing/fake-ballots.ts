import {
  answeredKey,
  type BallotRepository,
  bytesKey,
  type CountOutcome,
  type DeadLetterReason,
  epochOfSequence,
  type LowWater,
  type PollActivity,
  type PollId,
  type PublishableBallot,
  type ResultsReader,
  type StoredBallot,
  type TallySnapshot,
} from '@urna/core'

/** Counted ballots as the api reads them: written by the test, or taken from what was published. */
export class FakeBallots implements BallotRepository, ResultsReader {
  readonly rows = new Map<string, StoredBallot>()
  readonly deadLetters = new Map<string, DeadLetterReason>()
  readonly erased: PollId[] = []
  lowWater: LowWater | null = null
  asOfMs: number | null = null
  lastBallotAtMs: number | null = null
  failure: Error | null = null
  snapshots = 0
  finds = 0

  /** Counts a ballot at once, as a consumer would a moment later. */
  count(ballot: Pick<PublishableBallot, 'pollId' | 'voterKey' | 'answers'>, seq: Buffer): void {
    this.rows.set(`${ballot.pollId} ${bytesKey(ballot.voterKey)}`, { seq, rank: seq, answers: ballot.answers })
  }

  async countBatch(): Promise<CountOutcome> {
    throw new Error('the api counts nothing')
  }

  async find(pollId: PollId, voterKey: Uint8Array): Promise<StoredBallot | null> {
    this.finds++
    if (this.failure !== null) throw this.failure
    return this.rows.get(`${pollId} ${bytesKey(voterKey)}`) ?? null
  }

  async findDeadLetter(seq: Uint8Array): Promise<DeadLetterReason | null> {
    if (this.failure !== null) throw this.failure
    return this.deadLetters.get(bytesKey(seq)) ?? null
  }

  async readLowWater(epoch: number): Promise<LowWater | null> {
    return this.lowWater !== null && epochOfSequence(this.lowWater.below) === epoch ? this.lowWater : null
  }

  async writingServer(): Promise<string> {
    return ''
  }

  async writeLowWater(): Promise<boolean> {
    throw new Error('the api writes no low water')
  }

  async erase(pollId: PollId): Promise<void> {
    this.erased.push(pollId)
  }

  /** Of every poll the same time. */
  async activityOf(pollIds: readonly PollId[]): Promise<Map<PollId, PollActivity>> {
    if (this.failure !== null) throw this.failure
    const turnoutOf = (pollId: PollId) => [...this.rows.keys()].filter((key) => key.startsWith(pollId)).length
    return new Map(pollIds.map((pollId) => [pollId, { turnout: turnoutOf(pollId), lastBallotAtMs: this.lastBallotAtMs }]))
  }

  async snapshot(pollId: PollId): Promise<TallySnapshot> {
    this.snapshots++
    if (this.failure !== null) throw this.failure
    const rows = [...this.rows].filter(([key]) => key.startsWith(pollId)).map(([, row]) => row)
    const counts = new Map<string, number>()
    const add = (question: number, key: string) => counts.set(`${question} ${key}`, (counts.get(`${question} ${key}`) ?? 0) + 1)
    for (const { answers } of rows) {
      answers.forEach((answer, index) => {
        if (answer === '') return
        for (const key of [...answer.split(','), answeredKey]) add(index + 1, key)
      })
    }
    const tallies = [...counts].map(([place, count]) => {
      const [question = '', key = ''] = place.split(' ')
      return { question: Number(question), key, count }
    })
    return { turnout: rows.length, tallies, asOfMs: this.asOfMs }
  }

  async recount(): Promise<never> {
    throw new Error('the api recounts nothing')
  }
}
