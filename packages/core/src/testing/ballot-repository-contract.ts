import { afterEach, describe, expect, it } from 'vitest'
import { receiptStatus } from '../ballot/receipt-status.ts'
import type { PollId } from '../poll/poll.ts'
import { type BallotRepository, type CountableBallot, PermanentDatabaseError } from '../ports/ballot-repository.ts'
import type { ResultsReader } from '../ports/results-reader.ts'
import { ballotCountingProperty } from './ballot-counting-property.ts'
import {
  batchOf,
  expectedCount,
  sampleBallot,
  sampleDeadLetter,
  samplePoll,
  sampleQuestion,
  sequenceOf,
  threeQuestions,
  untilDone,
  voterKeyOf,
} from './counting-samples.ts'

export interface BallotRepositorySubject {
  readonly repository: BallotRepository
  /** On the same database: another consumer. */
  readonly second: BallotRepository
  readonly results: ResultsReader
  close(): Promise<void>
}

export interface BallotRepositoryContractOptions {
  /** How many random histories are tried. */
  readonly randomRuns?: number
}

/** What BallotRepository promises about counting, for every database. `lowWaterContract` has the rest. */
export function ballotRepositoryContract(
  name: string,
  makeSubject: () => Promise<BallotRepositorySubject>,
  options: BallotRepositoryContractOptions = {},
): void {
  describe(`ballot repository contract: ${name}`, () => {
    let open: BallotRepositorySubject | null = null
    async function subject(): Promise<BallotRepositorySubject> {
      await open?.close()
      open = await makeSubject()
      return open
    }
    afterEach(async () => {
      await open?.close()
      open = null
    })

    const counts = async (results: ResultsReader, pollId: PollId) => {
      const { turnout, tallies } = await results.snapshot(pollId)
      return { turnout, tallies: Object.fromEntries(tallies.map(({ question, key, count }) => [`${question}:${key}`, count])) }
    }

    it('counts first ballots, and finds them again', async () => {
      const { repository, results } = await subject()
      const poll = threeQuestions()
      const ballots = [sampleBallot(poll, 1, 1, ['1', '1,3', '']), sampleBallot(poll, 2, 2, ['1', '3', '2'])]
      expect(await repository.countBatch(batchOf([poll], ballots))).toEqual({ firstBallots: 2, changedBallots: 0, ignoredBallots: 0 })
      expect(await counts(results, poll.id)).toEqual({
        turnout: 2,
        // question 2: option 1 once, option 3 twice; question 3: one blank
        tallies: { '1:1': 2, '1:answered': 2, '2:1': 1, '2:3': 2, '2:answered': 2, '3:2': 1, '3:answered': 1 },
      })
      const found = await repository.find(poll.id, Uint8Array.from(voterKeyOf(1)))
      expect(found).toEqual({ seq: sequenceOf(1), rank: sequenceOf(1), answers: ['1', '1,3', ''] })
      expect(Buffer.isBuffer(found?.seq) && Buffer.isBuffer(found?.rank)).toBe(true)
      expect(await repository.find(poll.id, voterKeyOf(3))).toBeNull()
      expect(await repository.find(samplePoll().id, voterKeyOf(1))).toBeNull()
    })

    it('changes nothing when a whole batch is delivered again, at once or after others', async () => {
      const { repository, second, results } = await subject()
      const poll = samplePoll()
      const first = batchOf([poll], [sampleBallot(poll, 1, 1, ['1']), sampleBallot(poll, 2, 2, ['2'])])
      const other = batchOf([poll], [sampleBallot(poll, 2, 3, ['3']), sampleBallot(poll, 3, 4, [''])], { shard: 1 })
      await repository.countBatch(first)
      expect(await repository.countBatch(first)).toEqual({ firstBallots: 0, changedBallots: 0, ignoredBallots: 2 })
      await second.countBatch(other)
      expect(await second.countBatch(first)).toEqual({ firstBallots: 0, changedBallots: 0, ignoredBallots: 2 })
      expect(await repository.countBatch(other)).toEqual({ firstBallots: 0, changedBallots: 0, ignoredBallots: 2 })
      // voter 1: option 1; voter 2: 2, then 3; voter 3: blank
      expect(await counts(results, poll.id)).toEqual({ turnout: 3, tallies: { '1:1': 1, '1:3': 1, '1:answered': 2 } })
    })

    it('counts the same whether ballots come once or twice, in order, backwards or cut otherwise', async () => {
      const poll = threeQuestions()
      // 60 ballots of 20 voters, three each
      const ballots = Array.from({ length: 60 }, (_, index) =>
        sampleBallot(poll, index % 20, index + 1, [String((index % 3) + 1), index % 4 === 0 ? '1,2,4' : '2', index % 5 === 0 ? '' : '1']),
      )
      const expected = expectedCount(poll, ballots)
      const cut = (size: number) =>
        Array.from({ length: Math.ceil(ballots.length / size) }, (_, index) => ballots.slice(index * size, (index + 1) * size))
      for (const deliveries of [cut(60), cut(7), cut(7).reverse(), [...cut(11), ...cut(13).reverse()]]) {
        const { repository, results } = await subject()
        for (const delivery of deliveries) await repository.countBatch(batchOf([poll], delivery))
        expect(await results.snapshot(poll.id)).toMatchObject(expected)
      }
    })

    it('moves every tally of a changed ballot, whole: blanks too', async () => {
      const { repository, results } = await subject()
      const poll = threeQuestions()
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 1, ['1', '1,3', '2']), sampleBallot(poll, 2, 2, ['2', '1', '1'])]))
      expect(await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 3, ['2', '3,4', ''])]))).toEqual({
        firstBallots: 0,
        changedBallots: 1,
        ignoredBallots: 0,
      })
      expect(await counts(results, poll.id)).toEqual({
        turnout: 2,
        // voter 1 now 2 | 3,4 | blank; voter 2 still 2 | 1 | 1
        tallies: { '1:2': 2, '1:answered': 2, '2:1': 1, '2:3': 1, '2:4': 1, '2:answered': 2, '3:1': 1, '3:answered': 1 },
      })
      // And back, twice: each difference is taken from what the row said last.
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 4, ['', '', ''])]))
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 5, ['1', '', ''])]))
      expect(await counts(results, poll.id)).toEqual({
        turnout: 2,
        tallies: { '1:1': 1, '1:2': 1, '1:answered': 2, '2:1': 1, '2:answered': 1, '3:1': 1, '3:answered': 1 },
      })
    })

    it('takes a newer ballot with the same answers: the receipt follows, no number moves', async () => {
      const { repository, results } = await subject()
      const poll = samplePoll()
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])]))
      expect((await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 2, ['1'])]))).changedBallots).toBe(1)
      expect((await repository.find(poll.id, voterKeyOf(1)))?.seq).toEqual(sequenceOf(2))
      expect(await counts(results, poll.id)).toEqual({ turnout: 1, tallies: { '1:1': 1, '1:answered': 1 } })
    })

    it('ignores an older ballot that comes later', async () => {
      const { repository, results } = await subject()
      const poll = samplePoll()
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 9, ['1'])]))
      expect(await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 8, ['2'])]))).toMatchObject({ ignoredBallots: 1 })
      expect(await counts(results, poll.id)).toEqual({ turnout: 1, tallies: { '1:1': 1, '1:answered': 1 } })
    })

    it('lets the smallest sequence win where changes are not allowed, in whatever order they come', async () => {
      const { repository, second, results } = await subject()
      const poll = samplePoll({ changesAllowed: false })
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 5, ['1'])]))
      expect(await second.countBatch(batchOf([poll], [sampleBallot(poll, 1, 7, ['2'])], { shard: 1 }))).toMatchObject({ ignoredBallots: 1 })
      expect(await second.countBatch(batchOf([poll], [sampleBallot(poll, 1, 3, ['3'])], { shard: 1 }))).toMatchObject({ changedBallots: 1 })
      expect(await repository.countBatch(batchOf([poll], [sampleBallot(poll, 1, 5, ['1'])]))).toMatchObject({ ignoredBallots: 1 })
      expect(await repository.find(poll.id, voterKeyOf(1))).toMatchObject({ seq: sequenceOf(3), answers: ['3'] })
      expect(await counts(results, poll.id)).toEqual({ turnout: 1, tallies: { '1:3': 1, '1:answered': 1 } })
    })

    it('lets one shard go below zero: a ballot counted by one consumer and changed through another', async () => {
      const { repository, second, results } = await subject()
      const poll = samplePoll()
      const voters = [1, 2, 3]
      await repository.countBatch(
        batchOf(
          [poll],
          voters.map((voter) => sampleBallot(poll, voter, voter, ['1'])),
          { shard: 65_535 },
        ),
      )
      // On shard 7 option 1 becomes 0 - 2, on 65535 it stays 3.
      await second.countBatch(batchOf([poll], [sampleBallot(poll, 1, 4, ['2']), sampleBallot(poll, 2, 5, [''])], { shard: 7 }))
      expect(await counts(results, poll.id)).toEqual({ turnout: 3, tallies: { '1:1': 1, '1:2': 1, '1:answered': 2 } })
    })

    it.each([true, false])(
      'agrees with two consumers at once, interleaved and overlapping (changes allowed: %s)',
      async (changesAllowed) => {
        const { repository, second, results } = await subject()
        const poll = samplePoll({ changesAllowed, questions: [sampleQuestion(1, ['a', 'b', 'c']), sampleQuestion(2, ['a', 'b'])] })
        // 400 ballots of 80 voters; each consumer gets its own two thirds, in its own order, in batches of 25
        const ballots = Array.from({ length: 400 }, (_, index) =>
          sampleBallot(poll, (index * 7) % 80, index + 1, [String((index % 3) + 1), index % 2 === 0 ? '' : String((index % 2) + 1)]),
        )
        const consume = async (consumer: BallotRepository, shard: number, own: readonly CountableBallot[]) => {
          for (let start = 0; start < own.length; start += 25) {
            const batch = batchOf([poll], own.slice(start, start + 25), { shard })
            await untilDone(() => consumer.countBatch(batch))
          }
        }
        await Promise.all([
          consume(
            repository,
            0,
            ballots.filter((_, index) => index % 3 !== 0),
          ),
          consume(
            second,
            1,
            ballots.filter((_, index) => index % 3 !== 1).sort((left, right) => Buffer.compare(right.seq, left.seq)),
          ),
        ])
        expect(await results.snapshot(poll.id)).toMatchObject(expectedCount(poll, ballots))
      },
    )

    it('counts ballots of several polls in one batch, also of one voter key', async () => {
      const { repository, results } = await subject()
      const polls = [samplePoll(), samplePoll({ changesAllowed: false }), threeQuestions()]
      const ballots = polls.flatMap((poll, index) => [
        sampleBallot(
          poll,
          1,
          index * 2 + 1,
          poll.definition.questions.map(() => '1'),
        ),
        sampleBallot(
          poll,
          2 + index,
          index * 2 + 2,
          poll.definition.questions.map(() => '2'),
        ),
      ])
      expect(await repository.countBatch(batchOf(polls, ballots))).toMatchObject({ firstBallots: 6 })
      for (const poll of polls) expect(await results.snapshot(poll.id)).toMatchObject(expectedCount(poll, ballots))
    })

    // Around the lengths of statements that an adapter may cut a batch into.
    it.each([1, 2, 3, 31, 32, 33, 63, 64, 65, 255, 256, 257, 2_000])('counts a batch of %i, and its changes', async (size) => {
      const { repository, results } = await subject()
      const poll = samplePoll({
        questions: [
          sampleQuestion(
            1,
            Array.from({ length: 100 }, (_, index) => `option ${index}`),
          ),
        ],
      })
      const first = Array.from({ length: size }, (_, voter) => sampleBallot(poll, voter, voter + 1, [String((voter % 100) + 1)]))
      const later = Array.from({ length: size }, (_, voter) =>
        sampleBallot(poll, voter, size + voter + 1, [voter % 2 === 0 ? '1' : String((voter % 100) + 1)]),
      )
      const letters = Array.from({ length: size }, (_, index) => sampleDeadLetter(10_000 + index))
      expect(await repository.countBatch(batchOf([poll], first, { deadLetters: letters }))).toMatchObject({ firstBallots: size })
      expect(await results.snapshot(poll.id)).toMatchObject(expectedCount(poll, first))
      expect(await repository.countBatch(batchOf([poll], later, { deadLetters: letters }))).toMatchObject({ changedBallots: size })
      expect(await results.snapshot(poll.id)).toMatchObject(expectedCount(poll, later))
      expect(await repository.findDeadLetter(sequenceOf(10_000 + size - 1))).toBe('late')
    })

    it('parks dead letters with the ballots beside them, once each', async () => {
      const { repository, results } = await subject()
      const poll = samplePoll()
      const late = sampleDeadLetter(2)
      const rejected = sampleDeadLetter(3, { reason: 'rejected', detail: '答 👩‍👩‍👧 \u202eעברית __proto__ \0 \'"; --' })
      const batch = batchOf([poll], [sampleBallot(poll, 1, 1, ['1'])], { deadLetters: [late, rejected] })
      await repository.countBatch(batch)
      await repository.countBatch(batch)
      await repository.countBatch(batchOf([], [], { deadLetters: [{ ...late, reason: 'rejected' }] }))
      expect(await repository.findDeadLetter(sequenceOf(2))).toBe('late')
      expect(await repository.findDeadLetter(sequenceOf(3))).toBe('rejected')
      expect(await repository.findDeadLetter(sequenceOf(1))).toBeNull()
      expect((await results.snapshot(poll.id)).turnout).toBe(1)
    })

    it('takes an empty batch', async () => {
      const { repository } = await subject()
      expect(await repository.countBatch(batchOf([], []))).toEqual({ firstBallots: 0, changedBallots: 0, ignoredBallots: 0 })
    })

    it('stores nothing of a batch with a ballot that cannot be stored, and goes on without it', async () => {
      const { repository, results } = await subject()
      const poll = samplePoll()
      const good = sampleBallot(poll, 1, 1, ['1'])
      const bad = { ...sampleBallot(poll, 2, 2, ['1']), voterKey: Buffer.alloc(17, 0xff) }
      const batch = batchOf([poll], [good, bad], { deadLetters: [sampleDeadLetter(3)] })
      await expect(repository.countBatch(batch)).rejects.toBeInstanceOf(PermanentDatabaseError)
      expect(await repository.find(poll.id, good.voterKey)).toBeNull()
      expect(await repository.findDeadLetter(sequenceOf(3))).toBeNull()
      expect(await counts(results, poll.id)).toEqual({ turnout: 0, tallies: {} })
      await repository.countBatch(batchOf([poll], [good]))
      expect(await counts(results, poll.id)).toEqual({ turnout: 1, tallies: { '1:1': 1, '1:answered': 1 } })
    })

    it('refuses a batch that is not sorted or holds a voter twice: it would be miscounted', async () => {
      const { repository } = await subject()
      const poll = samplePoll()
      const [one, two] = [sampleBallot(poll, 1, 1, ['1']), sampleBallot(poll, 2, 2, ['1'])]
      await expect(repository.countBatch({ ...batchOf([poll], []), ballots: [two, one] })).rejects.toThrow('sorted')
      await expect(repository.countBatch({ ...batchOf([poll], []), ballots: [one, one] })).rejects.toThrow('once')
    })

    it('tells what became of each receipt', async () => {
      const { repository } = await subject()
      const [poll, fixed] = [samplePoll(), samplePoll({ changesAllowed: false })]
      const statusOf = async (of: typeof poll, voter: number, place: number) =>
        receiptStatus({ ballots: repository })(
          { pollId: of.id, voterKey: voterKeyOf(voter), seq: sequenceOf(place) },
          { changesAllowed: of.definition.changesAllowed, version: { version: 2, opensAtMs: 0, closesAtMs: null } },
        )
      const ballots = [sampleBallot(poll, 1, 1, ['1']), sampleBallot(fixed, 1, 2, ['1'])]
      await repository.countBatch(batchOf([poll, fixed], ballots))
      const later = [sampleBallot(poll, 1, 3, ['2']), sampleBallot(fixed, 1, 4, ['2'])]
      await repository.countBatch(batchOf([poll, fixed], later, { deadLetters: [sampleDeadLetter(5)] }))
      await repository.writeLowWater({ epoch: 1, stream: 0, below: sequenceOf(7), atMs: 1, beat: 1 }, null)
      expect(await statusOf(poll, 1, 3)).toBe('counted')
      expect(await statusOf(poll, 1, 1)).toBe('replaced')
      expect(await statusOf(fixed, 1, 2)).toBe('counted')
      expect(await statusOf(fixed, 1, 4)).toBe('rejected')
      expect(await statusOf(poll, 2, 5)).toBe('late')
      expect(await statusOf(poll, 2, 6)).toBe('lost')
      expect(await statusOf(poll, 2, 7)).toBe('received')
    })

    it('erases one poll and leaves the others, however much there is, and again', async () => {
      const { repository, results } = await subject()
      const [erased, kept] = [samplePoll(), samplePoll()]
      // 5,000 ballots: more than an adapter removes at once
      for (let start = 0; start < 5_000; start += 1_000) {
        const ballots = Array.from({ length: 1_000 }, (_, index) => sampleBallot(erased, start + index, start + index + 1, ['1']))
        await repository.countBatch(batchOf([erased], ballots))
      }
      const ballot = sampleBallot(kept, 1, 1, ['1'])
      await repository.countBatch(batchOf([kept], [ballot]))
      await repository.erase(erased.id)
      await repository.erase(erased.id)
      const { stored, counted } = await results.recount(erased.id, () => [])
      expect([stored, counted]).toMatchObject([
        { turnout: 0, tallies: [] },
        { turnout: 0, tallies: [] },
      ])
      expect(await repository.find(erased.id, voterKeyOf(4_999))).toBeNull()
      expect(await results.snapshot(kept.id)).toMatchObject(expectedCount(kept, [ballot]))
      expect(await repository.find(kept.id, voterKeyOf(1))).not.toBeNull()
    })

    ballotCountingProperty(subject, options.randomRuns ?? 50)
  })
}
