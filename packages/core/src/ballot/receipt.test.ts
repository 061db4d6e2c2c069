import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PollId } from '../poll/poll.ts'
import { pollIdFromBytes, pollIdToBytes } from '../poll/poll-id.ts'
import type { DeadLetterReason, StoredBallot } from '../ports/ballot-repository.ts'
import { openMasterKey } from '../secrets/master-key.ts'
import { parseReceipt, receiptText } from './receipt.ts'
import { receiptStatus } from './receipt-status.ts'
import { rankOf, rowSequence, type Sequence } from './sequence.ts'

const masterKey = openMasterKey(randomBytes(32))
const pollId = pollIdFromBytes(randomBytes(10))
const voterKey = randomBytes(16)
const sequence = (row: number, epoch = 1) => rowSequence({ epoch, row, index: 0 })

describe('receipt', () => {
  const text = receiptText(masterKey, { pollId, voterKey, seq: sequence(7) })

  it('is 67 characters that give back what they name', () => {
    expect(text).toMatch(/^[\w-]{67}$/)
    expect(parseReceipt(masterKey, text)).toEqual({ pollId, voterKey, seq: sequence(7) })
  })

  it('is not ours when any character differs, or another key made it', () => {
    for (let index = 0; index < text.length; index++) {
      const other = text[index] === 'A' ? 'B' : 'A'
      expect(parseReceipt(masterKey, text.slice(0, index) + other + text.slice(index + 1))).toBeNull()
    }
    expect(parseReceipt(openMasterKey(randomBytes(32)), text)).toBeNull()
    expect(parseReceipt(masterKey, `${text}A`)).toBeNull()
  })
})

describe('poll id', () => {
  it('is 16 characters for 10 bytes, there and back', () => {
    for (let round = 0; round < 200; round++) {
      const bytes = randomBytes(10)
      const id = pollIdFromBytes(bytes)
      expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{16}$/)
      expect(pollIdToBytes(id)?.equals(bytes)).toBe(true)
    }
    expect(pollIdToBytes('i'.repeat(16))).toBeNull()
    expect(pollIdToBytes('0'.repeat(15))).toBeNull()
  })
})

describe('receipt status', () => {
  /** What is stored: the voter's row, a dead letter, and everything below `countedBelow` counted. */
  function status(
    stored: { row?: number; deadLetter?: DeadLetterReason; countedBelow?: number; countedUntilMs?: number; ended?: boolean },
    changesAllowed = true,
    seq: Sequence = sequence(5),
  ) {
    const reads: string[] = []
    const ballots = {
      find: async (): Promise<StoredBallot | null> => {
        reads.push('row')
        if (stored.row === undefined) return null
        return { seq: sequence(stored.row), rank: rankOf(sequence(stored.row), changesAllowed), answers: ['1'] }
      },
      findDeadLetter: async () => {
        reads.push('dead letter')
        return stored.deadLetter ?? null
      },
      readLowWater: async (epoch: number, stream: number) => {
        reads.push('low water')
        const { countedBelow = 0, countedUntilMs = 0 } = stored
        if (countedBelow + countedUntilMs === 0) return null
        return { epoch, stream, below: sequence(countedBelow, epoch), atMs: countedUntilMs, beat: 1 }
      },
    }
    return receiptStatus({ ballots, epochEnded: () => stored.ended === true })(
      { pollId: pollId as PollId, voterKey, seq },
      { changesAllowed, version: { version: 3, opensAtMs: 0, closesAtMs: 100_000 } },
    ).then((answer) => ({ answer, reads }))
  }
  const answerOf = async (...input: Parameters<typeof status>) => (await status(...input)).answer

  it('tells every state from the others', async () => {
    expect(await answerOf({})).toBe('received')
    expect(await answerOf({ countedBelow: 5 })).toBe('received') // below 5 all is counted, this is 5
    expect(await answerOf({ row: 5, countedBelow: 6 })).toBe('counted')
    expect(await answerOf({ row: 9 })).toBe('replaced')
    expect(await answerOf({ row: 2 }, false)).toBe('rejected') // no changes: the earlier one counts
    expect(await answerOf({ deadLetter: 'late', row: 2 })).toBe('late')
    expect(await answerOf({ deadLetter: 'rejected' })).toBe('rejected')
    expect(await answerOf({ countedBelow: 6 })).toBe('lost')
    expect(await answerOf({ ended: true })).toBe('lost') // its queue is gone, and what was left of it is counted
    expect(await answerOf({ ended: true, row: 5 })).toBe('counted')
    expect(await answerOf({ deadLetter: 'rejected', row: 5 })).toBe('counted') // delivered again when nobody knew the poll any more
  })

  it('does not take a row that this ballot will beat for an answer', async () => {
    expect(await answerOf({ row: 2 })).toBe('received') // an older ballot of the voter is counted, this one waits
    expect(await answerOf({ row: 9 }, false)).toBe('received') // a later one is counted until this earlier one comes
    expect(await answerOf({ row: 2, countedBelow: 6 })).toBe('lost')
  })

  it('calls a ballot lost when the poll is final, also where no sequence tells', async () => {
    expect(await answerOf({ countedUntilMs: 130_000 })).toBe('received') // 100 s of voting + 30 s for stragglers: not yet behind
    expect(await answerOf({ countedUntilMs: 130_001 })).toBe('lost')
    expect(await answerOf({ countedUntilMs: 130_001, row: 5 })).toBe('counted')
    expect(await answerOf({ countedUntilMs: 130_001, row: 9 })).toBe('replaced')
    expect(await answerOf({ countedUntilMs: 130_001, deadLetter: 'late' })).toBe('late')
  })

  it('reads the low water before anything else: a commit in between must not look like a loss', async () => {
    expect((await status({})).reads[0]).toBe('low water')
  })
})
