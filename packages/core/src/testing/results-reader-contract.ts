import { afterEach, describe, expect, it } from 'vitest'
import { tallyKeys } from '../ballot/tally-keys.ts'
import type { PollId } from '../poll/poll.ts'
import type { BallotRepository } from '../ports/ballot-repository.ts'
import type { ResultsReader } from '../ports/results-reader.ts'
import {
  batchOf,
  expectedCount,
  type SamplePoll,
  sampleBallot,
  samplePoll,
  sampleQuestion,
  sequenceOf,
  threeQuestions,
  untilDone,
} from './counting-samples.ts'

export interface ResultsReaderSubject {
  readonly results: ResultsReader
  /** Writes what `results` reads. */
  readonly repository: BallotRepository
  close(): Promise<void>
}

/** What ResultsReader promises, for every database. */
export function resultsReaderContract(name: string, makeSubject: () => Promise<ResultsReaderSubject>): void {
  describe(`results reader contract: ${name}`, () => {
    let open: ResultsReaderSubject | null = null
    async function subject(): Promise<ResultsReaderSubject> {
      open = await makeSubject()
      return open
    }
    afterEach(async () => {
      await open?.close()
      open = null
    })

    const recount = (results: ResultsReader, poll: SamplePoll) => results.recount(poll.id, (answers) => tallyKeys(poll.definition, answers))

    it('has zeros for a poll without ballots, and no as-of before the first beat', async () => {
      const { results } = await subject()
      const empty = { turnout: 0, tallies: [], asOfMs: null }
      expect(await results.snapshot(samplePoll().id)).toEqual(empty)
      expect(await recount(results, samplePoll())).toEqual({ stored: empty, counted: empty })
    })

    it('sums over shards, in the order of questions and keys, without zeros', async () => {
      const { results, repository } = await subject()
      const poll = samplePoll({
        questions: [
          sampleQuestion(
            1,
            Array.from({ length: 11 }, (_, index) => `option ${index}`),
          ),
          sampleQuestion(2, ['a', 'b']),
        ],
      })
      const other = samplePoll()
      const ballots = [sampleBallot(poll, 1, 1, ['11', '2']), sampleBallot(poll, 2, 2, ['2', '']), sampleBallot(poll, 3, 3, ['11', '1'])]
      for (const [shard, ballot] of ballots.entries()) await repository.countBatch(batchOf([poll], [ballot], { shard }))
      await repository.countBatch(batchOf([other], [sampleBallot(other, 1, 4, ['1'])]))
      await repository.countBatch(batchOf([poll], [sampleBallot(poll, 2, 5, ['11', ''])], { shard: 9 }))
      const snapshot = await results.snapshot(poll.id)
      expect(snapshot).toEqual({
        turnout: 3,
        // voter 2 left option 2 for option 11, and question 2 blank
        tallies: [
          { question: 1, key: '11', count: 3 },
          { question: 1, key: 'answered', count: 3 },
          { question: 2, key: '1', count: 1 },
          { question: 2, key: '2', count: 1 },
          { question: 2, key: 'answered', count: 2 },
        ],
        asOfMs: null,
      })
      expect(await recount(results, poll)).toEqual({ stored: snapshot, counted: snapshot })
    })

    it('is as of the stream that is furthest behind, in the newest epoch', async () => {
      const { results, repository } = await subject()
      const asOfMs = async () => (await results.snapshot(samplePoll().id)).asOfMs
      const write = (epoch: number, stream: number, atMs: number) =>
        repository.writeLowWater({ epoch, stream, below: sequenceOf(1, epoch), atMs, beat: 1 }, null)
      await write(3, 0, 5_000)
      await write(3, 1, 4_000)
      expect(await asOfMs()).toBe(4_000)
      await write(10, 0, 9_000)
      expect(await asOfMs()).toBe(9_000)
      await write(10, 1, 8_000)
      await write(10, 2, 8_500)
      await write(9, 0, 1_000)
      expect(await asOfMs()).toBe(8_000)
    })

    it('counts again what is stored, with the answers as they were given', async () => {
      const { results, repository } = await subject()
      const poll = threeQuestions()
      // 500 ballots of 300 voters
      const ballots = Array.from({ length: 500 }, (_, index) =>
        sampleBallot(poll, index % 300, index + 1, [String((index % 3) + 1), index % 7 === 0 ? '' : '1,2', index % 2 === 0 ? '1' : '2']),
      )
      await repository.countBatch(batchOf([poll], ballots.slice(0, 300)))
      await repository.countBatch(batchOf([poll], ballots.slice(300), { shard: 1 }))
      const { stored, counted } = await recount(results, poll)
      expect(counted).toEqual({ ...expectedCount(poll, ballots), asOfMs: null })
      expect(stored).toEqual(counted)
      // Counted by another rule it is something else: it does come from the ballots.
      const byLength = await results.recount(poll.id, (answers) => [{ question: 1, key: `${answers.length} answers` }])
      expect(byLength.counted).toEqual({ turnout: 300, tallies: [{ question: 1, key: '3 answers', count: 300 }], asOfMs: null })
    })

    it('knows when the last ballot came that was counted, and nothing of those that were not', async () => {
      const { results, repository } = await subject()
      const [poll, other] = [samplePoll({ changesAllowed: false }), samplePoll()]
      const activity = async () => {
        const found = await results.activityOf([poll.id, other.id])
        return [poll, other].map(({ id }) => [found.get(id)?.turnout, found.get(id)?.lastBallotAtMs])
      }
      const count = (places: [voter: number, place: number][], shard = 0) =>
        repository.countBatch(
          batchOf(
            [poll],
            places.map(([voter, place]) => sampleBallot(poll, voter, place, ['1'])),
            { shard },
          ),
        )
      expect(await activity()).toEqual([
        [0, null],
        [0, null],
      ])
      const atMs = (place: number) => 1_000_000 + place
      await count([[1, 50]])
      expect(await activity()).toEqual([
        [1, atMs(50)],
        [0, null],
      ])
      // Delivered again, or earlier than what is there: time does not go back.
      await count([[1, 50]])
      await count([[2, 30]])
      expect((await activity())[0]).toEqual([2, atMs(50)])
      // The first ballot of a voter counts here: this one does not, alone or beside one that does.
      await count([[1, 90]])
      expect((await activity())[0]).toEqual([2, atMs(50)])
      await count([
        [1, 91],
        [2, 92],
        [3, 60],
        [4, 55],
      ])
      expect((await activity())[0]).toEqual([4, atMs(60)])
      // Of several shards the latest.
      await count([[5, 70]], 7)
      await count([[6, 65]], 3)
      expect((await activity())[0]).toEqual([6, atMs(70)])
      await repository.countBatch(batchOf([other], [sampleBallot(other, 1, 2, ['1'])]))
      expect((await activity())[1]).toEqual([1, atMs(2)])
      await repository.erase(poll.id)
      expect(await activity()).toEqual([
        [0, null],
        [1, atMs(2)],
      ])
    })

    it('keeps the latest time of many polls, whoever counts at once', async () => {
      const { results, repository } = await subject()
      const polls = Array.from({ length: 40 }, () => samplePoll())
      await Promise.all(
        Array.from({ length: 6 }, (_, round) =>
          untilDone(() =>
            repository.countBatch(
              batchOf(
                polls,
                polls.map((poll, index) => sampleBallot(poll, round, 1_000 * ((round * 5) % 6) + index, ['1'])),
              ),
            ),
          ),
        ),
      )
      const unknown = Array.from({ length: 1_200 }, () => samplePoll().id)
      const activity = await results.activityOf([...unknown, ...polls.map(({ id }) => id)])
      expect(polls.map(({ id }) => activity.get(id))).toEqual(
        polls.map((_, index) => ({ turnout: 6, lastBallotAtMs: 1_000_000 + 5_000 + index })),
      )
      expect([activity.size, activity.get(unknown[0] as PollId)]).toEqual([1_240, { turnout: 0, lastBallotAtMs: null }])
      expect(await results.activityOf([])).toEqual(new Map())
    })

    it('reads one snapshot while a writer keeps writing', async () => {
      const { results, repository } = await subject()
      const poll = samplePoll({ questions: [sampleQuestion(1, ['a', 'b', 'c'], { required: true })] })
      const votersOfBatch = 20
      let written = 0
      let done = false
      const writing = (async () => {
        for (let round = 1; round <= 60; round++) {
          // New voters, and as many who change: every number moves in every batch.
          const ballots = Array.from({ length: votersOfBatch }, (_, index) =>
            sampleBallot(poll, written * votersOfBatch + index, round * 1_000 + index, [String((index % 3) + 1)]),
          )
          const changed = Array.from({ length: Math.min(votersOfBatch, written) }, (_, index) =>
            sampleBallot(poll, index, round * 1_000 + 500 + index, [String(((index + round) % 3) + 1)]),
          )
          await untilDone(() => repository.countBatch(batchOf([poll], [...ballots, ...changed], { shard: round % 3 })))
          written++
          const row = { epoch: 1, stream: 0, below: sequenceOf(round), atMs: written, beat: round }
          expect(await untilDone(() => repository.writeLowWater(row, round === 1 ? null : round - 1))).toBe(true)
        }
      })().finally(() => {
        done = true
      })
      let snapshots = 0
      let lastAsOfMs = 0
      while (!done) {
        const snapshot = await results.snapshot(poll.id)
        const { stored, counted } = await recount(results, poll)
        expect(counted).toEqual(stored)
        for (const { turnout, tallies, asOfMs } of [snapshot, stored]) {
          // Everybody answers the one question; what the low water says is counted is in.
          const answered = tallies.find((tally) => tally.key === 'answered')?.count ?? 0
          expect(answered).toBe(turnout)
          expect(tallies.filter((tally) => tally.key !== 'answered').reduce((sum, tally) => sum + tally.count, 0)).toBe(turnout)
          expect(turnout - (asOfMs ?? 0) * votersOfBatch).toBeOneOf([0, votersOfBatch])
          expect(asOfMs ?? 0).toBeGreaterThanOrEqual(lastAsOfMs)
          lastAsOfMs = asOfMs ?? 0
        }
        snapshots++
        await new Promise((resolve) => setImmediate(resolve))
      }
      await writing
      expect(snapshots).toBeGreaterThan(0)
      expect((await results.snapshot(poll.id)).turnout).toBe(60 * votersOfBatch)
    })
  })
}
