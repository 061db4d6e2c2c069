import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PollDefinition, PollId, PollVersion } from '../poll/poll.ts'
import type { QueuedBallot } from '../ports/ballot-subscriber.ts'
import { openMasterKey } from '../secrets/master-key.ts'
import { formBatch } from './form-batch.ts'
import { rankOf, rowSequence, SequenceOverflowError } from './sequence.ts'

const masterKey = openMasterKey(randomBytes(32))
const pollId = '0123456789abcdef' as PollId
const opensAtMs = 1_000
const closesAtMs = 2_000
const version: PollVersion = { version: 2, opensAtMs, closesAtMs }

function definitionOf(changesAllowed: boolean): PollDefinition {
  const options = [1, 2, 3].map((number) => ({ number, text: String(number) }))
  const question = { number: 1, text: 'q', method: 'single' as const, required: true, min: 1, max: 1, options }
  return { title: 't', description: '', questions: [question], changesAllowed, resultsVisibility: 'always', access: 'open', listed: true }
}

function queued(row: number, voter: number, answers: string[], atMs = 1_500, pollVersion = 2): QueuedBallot {
  return {
    seq: rowSequence({ epoch: 1, row, index: 0 }),
    atMs,
    ballot: { pollId, pollVersion, voterKey: Buffer.alloc(16, voter), answers },
    raw: () => Buffer.from(JSON.stringify(answers)),
  }
}

function batchOf(ballots: QueuedBallot[], changesAllowed = true) {
  const find = (id: string, number: number) =>
    id === pollId && number === 2 ? { pollVersion: version, definition: definitionOf(changesAllowed) } : null
  const batch = formBatch({ queued: ballots, find, shard: 3, masterKey })
  return {
    counted: batch.ballots.map((ballot) => `${ballot.voterKey[0]}=${ballot.answers[0]}`),
    parked: batch.deadLetters.map((letter) => `${letter.seq.readUInt32BE(10)} ${letter.reason}: ${letter.detail}`),
    batch,
  }
}

describe('forming a batch', () => {
  it('keeps the newest ballot of each voter, whatever the order, sorted by primary key', () => {
    expect(batchOf([queued(4, 9, ['3']), queued(1, 9, ['1']), queued(3, 2, ['2']), queued(2, 9, ['2'])]).counted).toEqual(['2=2', '9=3'])
  })

  it('keeps the earliest where changes are not allowed', () => {
    expect(batchOf([queued(4, 9, ['3']), queued(1, 9, ['1']), queued(2, 9, ['2'])], false).counted).toEqual(['9=1'])
  })

  it('judges before it keeps the newest: a late ballot hides no good one', () => {
    const { counted, parked } = batchOf([queued(1, 7, ['1']), queued(2, 7, ['2'], closesAtMs)])
    expect(counted).toEqual(['7=1'])
    expect(parked).toEqual(['2 late: accepted after the poll closed'])
  })

  it('takes the opening instant, and not the closing one', () => {
    expect(batchOf([queued(1, 1, ['1'], opensAtMs), queued(2, 2, ['1'], closesAtMs - 1)]).counted).toEqual(['1=1', '2=1'])
    expect(
      batchOf([queued(1, 1, ['1'], opensAtMs - 1), queued(2, 2, ['1'], closesAtMs)]).batch.deadLetters.map(({ reason }) => reason),
    ).toEqual(['rejected', 'late'])
  })

  it('parks what it cannot read, does not know, or does not fit; the neighbours are counted', () => {
    const unreadable: QueuedBallot = {
      seq: rowSequence({ epoch: 1, row: 2, index: 0 }),
      atMs: 1_500,
      ballot: null,
      raw: () => Buffer.from('?'),
    }
    const { counted, batch } = batchOf([
      queued(1, 1, ['1']),
      unreadable,
      queued(3, 3, ['1'], 1_500, 9),
      queued(4, 4, ['7']),
      queued(5, 5, ['1']),
    ])
    expect(counted).toEqual(['1=1', '5=1'])
    expect(batch.deadLetters.map(({ detail }) => detail)).toEqual([
      'malformed ballot',
      'unknown poll or version',
      'answers do not fit the poll',
    ])
  })

  it('seals what a dead letter keeps', () => {
    const [letter] = batchOf([queued(1, 1, ['7'])]).batch.deadLetters
    expect(letter?.payloadSealed.includes('7"')).toBe(false)
    expect(masterKey.unseal(letter?.payloadSealed ?? Buffer.alloc(0), `dead letter ${letter?.seq.toString('hex')}`).toString()).toBe(
      '["7"]',
    )
  })
})

describe('sequence', () => {
  it('orders by epoch, row and index, as bytes', () => {
    const places = [
      { epoch: 1, row: 1, index: 0 },
      { epoch: 1, row: 1, index: 511 },
      { epoch: 1, row: 2, index: 0 },
      { epoch: 1, row: 2 ** 40, index: 0 },
      { epoch: 2, row: 1, index: 0 },
      { epoch: 256, row: 1, index: 0 },
    ]
    const sequences = places.map((place) => rowSequence(place))
    expect([...sequences].sort(Buffer.compare)).toEqual(sequences)
    expect([...sequences].map((sequence) => rankOf(sequence, false)).sort(Buffer.compare)).toEqual(
      [...sequences].reverse().map((sequence) => rankOf(sequence, false)),
    )
  })

  it('refuses a field that would overflow', () => {
    expect(() => rowSequence({ epoch: 2 ** 32, row: 1, index: 0 })).toThrow(SequenceOverflowError)
    expect(() => rowSequence({ epoch: 1, row: 2 ** 53, index: 0 })).toThrow(SequenceOverflowError)
    expect(() => rowSequence({ epoch: 1, row: 1, index: 65_536 })).toThrow(SequenceOverflowError)
    expect(() => rowSequence({ epoch: 1, row: -1, index: 0 })).toThrow(SequenceOverflowError)
  })
})
