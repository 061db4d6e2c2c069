import { createHash } from 'node:crypto'
import type { QueueDepth } from '@urna/core'

export type SqsQueueKind = 'fifo' | 'standard'

export function kindOfQueue(name: string): SqsQueueKind {
  return name.endsWith('.fifo') ? 'fifo' : 'standard'
}

type Attributes = Readonly<Record<string, string>>

const retentionSecondsMax = 14 * 86_400
/** No ballot comes near it; the smallest queue must take it. */
export const messageBytesMax = 64 * 1024
/** A count of deliveries says how long the database was away, nothing about the message. */
const receiveCountMin = 1_000

/** Of a queue that is made here. No redrive policy: a count of deliveries parks nothing; what cannot be counted is parked in the database. */
export function attributesOfNewQueue(kind: SqsQueueKind): Attributes {
  return {
    MessageRetentionPeriod: String(retentionSecondsMax),
    ...(kind === 'fifo' && {
      FifoQueue: 'true',
      ContentBasedDeduplication: 'false',
      // Together "high throughput": the limit is then a voter's, not the queue's.
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    }),
  }
}

export interface AttributeFault {
  readonly attribute: string
  readonly got: string
  readonly expected: string
}

/** What about an existing queue is not as it should be. It is used as it is. */
export function attributeFaults(kind: SqsQueueKind, attributes: Attributes): AttributeFault[] {
  const faults: AttributeFault[] = []
  const expect = (attribute: string, expected: string, holds: (got: string) => boolean) => {
    const got = attributes[attribute] ?? ''
    if (!holds(got)) faults.push({ attribute, got, expected })
  }
  expect('MessageRetentionPeriod', `${retentionSecondsMax} (14 days)`, (got) => Number(got) >= retentionSecondsMax)
  expect('MaximumMessageSize', `at least ${messageBytesMax}`, (got) => Number(got) >= messageBytesMax)
  expect('DelaySeconds', '0', (got) => Number(got) === 0)
  expect('RedrivePolicy', `none, or maxReceiveCount of at least ${receiveCountMin}`, (got) => receiveCountOf(got) >= receiveCountMin)
  if (kind === 'fifo') {
    expect('DeduplicationScope', 'messageGroup', (got) => got === 'messageGroup')
    expect('FifoThroughputLimit', 'perMessageGroupId', (got) => got === 'perMessageGroupId')
  }
  return faults
}

function receiveCountOf(redrivePolicy: string): number {
  if (redrivePolicy === '') return Number.POSITIVE_INFINITY
  try {
    return Number((JSON.parse(redrivePolicy) as { maxReceiveCount?: unknown }).maxReceiveCount)
  } catch {
    return 0
  }
}

/** 32 bytes. A queue that was deleted and made again has the same name and address, and another creation time. */
export function identityOfQueue(attributes: Attributes): Buffer {
  const { QueueArn, CreatedTimestamp } = attributes
  if (QueueArn === undefined || CreatedTimestamp === undefined) throw new Error('SQS did not say which queue this is')
  return createHash('sha256').update(`${QueueArn}\0${CreatedTimestamp}`).digest()
}

/** SQS's own estimate. It says nothing of how old they are. */
export function depthOfQueue(attributes: Attributes): QueueDepth {
  const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed']
  const counts = names.map((name) => Number(attributes[name] ?? Number.NaN))
  const ballots = counts.reduce((sum, count) => sum + count, 0)
  if (!Number.isInteger(ballots)) throw new Error('SQS did not say how many messages wait')
  return { ballots, oldestAtMs: null }
}
