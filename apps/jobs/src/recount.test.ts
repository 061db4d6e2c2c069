import { type PollId, type TallySnapshot, tallyKeys } from '@urna/core'
import { describe, expect, it } from 'vitest'
import { recount, UnknownPollError } from './recount.ts'
import { pagedPolls, samplePoll, sampleSnapshot } from './testing/sample-polls.ts'

const good = samplePoll(['a', 'b'])
const planted = samplePoll(['a', 'b'])

const head = 'poll                  turnout      ballots  result'

/** Three ballots in each poll: two for option 1, one for option 2. */
const ballots = ['1', '1', '2']

async function run(storedOf: Record<string, TallySnapshot>, pollId: PollId | null = null) {
  const lines: string[] = []
  const outcome = await recount(
    {
      polls: pagedPolls([good, planted]),
      results: {
        async recount(id, tallyKeysOf) {
          const keys = ballots.flatMap((ballot) => tallyKeysOf([ballot])).map(({ key }) => key)
          const counts = ['1', '2'].map((option) => keys.filter((key) => key === option).length)
          return { stored: storedOf[id] ?? sampleSnapshot([2, 1]), counted: sampleSnapshot(counts) }
        },
      },
      print: (line) => lines.push(line),
    },
    { pollId },
  )
  return { outcome, lines }
}

describe('recount', () => {
  it('says ok for polls whose tallies are those of their ballots', async () => {
    expect(tallyKeys(good.definition, ['2'])).toHaveLength(2)
    expect(await run({})).toEqual({
      outcome: { polls: 2, mismatches: 0 },
      lines: [head, `${good.id}            3            3  ok`, `${planted.id}            3            3  ok`],
    })
  })

  it('finds one vote moved from one option to another', async () => {
    const { outcome, lines } = await run({ [planted.id]: sampleSnapshot([1, 2]) })
    expect(outcome).toEqual({ polls: 2, mismatches: 1 })
    expect(lines).toEqual([
      head,
      `${good.id}            3            3  ok`,
      `${planted.id}            3            3  MISMATCH`,
      '  question 1, option 1            1            2',
      '  question 1, option 2            2            1',
    ])
  })

  it('finds a wrong turnout, and a tally of an option that nobody chose', async () => {
    const stored = sampleSnapshot([2, 1])
    expect((await run({ [planted.id]: { ...stored, turnout: 4 } })).lines.slice(2)).toEqual([
      `${planted.id}            4            3  MISMATCH`,
      '  turnout                   4            3',
    ])
    const withGhost = { ...stored, tallies: [...stored.tallies, { question: 2, key: '7', count: -1 }] }
    expect((await run({ [planted.id]: withGhost })).lines.at(-1)).toBe('  question 2, option 7           -1            0')
  })

  it('takes a tally of 0 for none', async () => {
    const stored = sampleSnapshot([2, 1])
    const withZero = { ...stored, tallies: [...stored.tallies, { question: 1, key: '3', count: 0 }] }
    expect((await run({ [planted.id]: withZero })).outcome.mismatches).toBe(0)
  })

  it('checks one poll when asked, and knows when there is none', async () => {
    expect((await run({}, planted.id)).lines).toEqual([head, `${planted.id}            3            3  ok`])
    await expect(run({}, 'zzzzzzzzzzzzzzzz' as PollId)).rejects.toThrow(UnknownPollError)
  })

  it('says how far it is while it takes long, and stops when it is told to', async () => {
    const said: string[] = []
    const stopping = new AbortController()
    const recounting = (ballotCount: number, signal: AbortSignal) =>
      recount(
        {
          polls: pagedPolls([good]),
          results: {
            async recount(_id, tallyKeysOf) {
              for (let ballot = 0; ballot < ballotCount; ballot++) tallyKeysOf(['1'])
              return { stored: sampleSnapshot([2, 1]), counted: sampleSnapshot([2, 1]) }
            },
          },
          print: () => {},
          say: (line) => said.push(line),
          sayEveryMs: 0,
          signal,
        },
        { pollId: null },
      )
    await recounting(12_000, stopping.signal)
    expect(said).toEqual([5_000, 10_000].map((count) => `${count} ballots of poll ${good.id} are counted`))
    stopping.abort(new Error('stopped'))
    await expect(recounting(5_000, stopping.signal)).rejects.toThrow('stopped')
  })
})
