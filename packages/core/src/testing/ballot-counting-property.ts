import fc from 'fast-check'
import { expect, it } from 'vitest'
import { tallyKeys } from '../ballot/tally-keys.ts'
import type { CountableBallot } from '../ports/ballot-repository.ts'
import type { BallotRepositorySubject } from './ballot-repository-contract.ts'
import { batchOf, expectedCount, type SamplePoll, sampleBallot, samplePoll, sampleQuestion, untilDone } from './counting-samples.ts'

interface Delivered {
  /** Index into the ballots that were sent. */
  readonly ballots: readonly number[]
  readonly bySecond: boolean
  /** Beside the delivery before it. */
  readonly atOnce: boolean
}

const answer = fc.constantFrom('', '1', '2', '3')
const severalOptions = fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }).map((options) => options.sort().join(','))
const sent = fc.array(fc.record({ poll: fc.nat(1), voter: fc.nat(5), answers: fc.tuple(answer, severalOptions) }), {
  minLength: 1,
  maxLength: 40,
})

/**
 * Random ballots of few voters; random batches of them, overlapping, repeated, in any order, through two consumers, one after the other or
 * at once. What is counted must be what the oracle says, which knows no order: the greatest rank of each voter.
 */
export function ballotCountingProperty(subject: () => Promise<BallotRepositorySubject>, runs: number): void {
  it('counts random histories as the oracle does', { timeout: 120_000 }, async () => {
    const history = sent.chain((ballots) =>
      fc.record({
        ballots: fc.constant(ballots),
        deliveries: fc.array(
          fc.record({
            ballots: fc.array(fc.nat(ballots.length - 1), { minLength: 1, maxLength: 12 }),
            bySecond: fc.boolean(),
            atOnce: fc.boolean(),
          }),
          { minLength: 1, maxLength: 12 },
        ),
      }),
    )
    // One database for all runs: each has polls of its own.
    const { repository, second, results } = await subject()
    await fc.assert(
      fc.asyncProperty(history, async ({ ballots, deliveries }) => {
        const questions = [
          sampleQuestion(1, ['a', 'b', 'c']),
          sampleQuestion(2, ['a', 'b', 'c', 'd'], { method: 'multiple', min: 1, max: 4 }),
        ]
        const polls: [SamplePoll, SamplePoll] = [samplePoll({ questions }), samplePoll({ questions, changesAllowed: false })]
        const all = ballots.map(({ poll, voter, answers }, index) => sampleBallot(polls[poll] as SamplePoll, voter, index + 1, answers))
        const delivered: CountableBallot[] = []
        const count = async ({ ballots: indexes, bySecond }: Delivered) => {
          const some = indexes.map((index) => all[index] as CountableBallot)
          delivered.push(...some)
          const batch = batchOf(polls, some, { shard: bySecond ? 1 : 0 })
          await untilDone(() => (bySecond ? second : repository).countBatch(batch))
        }
        let running: Promise<void>[] = []
        for (const delivery of deliveries) {
          if (!delivery.atOnce) {
            await Promise.all(running)
            running = []
          }
          running.push(count(delivery))
        }
        await Promise.all(running)
        for (const poll of polls) {
          const expected = expectedCount(poll, delivered)
          const { stored, counted } = await results.recount(poll.id, (answers) => tallyKeys(poll.definition, answers))
          expect(stored).toMatchObject(expected)
          expect(counted).toEqual(stored)
        }
      }),
      { numRuns: runs },
    )
  })
}
