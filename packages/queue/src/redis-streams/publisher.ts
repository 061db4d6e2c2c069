import { encodeEntry } from '@urna/contracts'
import { type BallotPublisher, QueueOverloadedError, QueueUnavailableError, streamSequence } from '@urna/core'
import { type Flushed, GroupCommit } from '../group-commit.ts'
import type { Link } from './link.ts'
import { streamOfVoter } from './options.ts'
import type { StreamKeys } from './scripts.ts'
import { parseStreamId } from './stream-id.ts'

/**
 * The intake: each stream has one flush in flight, so that the ballots of a voter keep their order. Nothing is ever sent twice. A flush
 * that is not confirmed in time is not written later either: the script refuses it, because its voters were told to send again.
 */
export function redisPublisher(
  link: Link,
  streams: readonly StreamKeys[],
  options: { timeoutMs: number; waitingMax?: number | undefined },
): BallotPublisher {
  const { timeoutMs, waitingMax = 20_000 } = options
  const intakes = streams.map(
    (keys, stream) =>
      new GroupCommit({
        waitingMax: Math.ceil(waitingMax / streams.length),
        flush: (encoded) => flush({ link, keys, stream, timeoutMs }, encoded),
      }),
  )
  return {
    async publish(ballot) {
      const intake = intakes[streamOfVoter(ballot.voterKey, intakes.length)] as GroupCommit
      try {
        return await intake.publish(ballot)
      } catch (error) {
        // Nothing was written: the ballot was not accepted, and that is known.
        if ((error as Error).cause instanceof QueueOverloadedError) throw (error as Error).cause
        throw error
      }
    },
    async check() {
      const { begun } = link
      if (begun === null) return false
      try {
        for (const keys of streams) {
          const [epoch, exists] = await Promise.all([link.client.hget(keys.queue, 'epoch'), link.client.exists(keys.stream)])
          if (Number(epoch) !== begun.epoch || exists !== 1) {
            link.again()
            return false
          }
        }
        return true
      } catch {
        return false
      }
    },
    async close() {
      await Promise.all(intakes.map((intake) => intake.close()))
      link.close()
    },
  }
}

interface Intake {
  readonly link: Link
  readonly keys: StreamKeys
  readonly stream: number
  readonly timeoutMs: number
}

async function flush({ link, keys, stream, timeoutMs }: Intake, encoded: readonly string[]): Promise<Flushed> {
  const { begun } = link
  if (begun === null) throw new QueueUnavailableError('Redis does not answer, or its epoch is not known yet')
  const { epoch, clock } = begun
  const sentAtMs = performance.now()
  const deadline = Math.floor(clock.nowMs()) + timeoutMs
  const [outcome, id, queueMs] = await send(link, keys, [epoch, encoded.length, encodeEntry(epoch, encoded), deadline])
  if (outcome !== 'ok') {
    // Wiped, or another epoch has begun, or the clock of Redis was moved: none of it was written.
    link.again()
    throw new QueueUnavailableError(`the queue did not take it: ${outcome}`)
  }
  clock.set(Number(queueMs), sentAtMs)
  const { ms, n } = parseStreamId(id as string)
  return { atMs: ms, sequenceOf: (index) => streamSequence({ epoch, ms, n, stream, index }) }
}

async function send(link: Link, keys: StreamKeys, args: (string | number)[]): Promise<string[]> {
  try {
    return (await link.run('publish', keys, ...args)) as string[]
  } catch (error) {
    const { message } = error as Error
    if (message.startsWith('OOM')) throw new QueueOverloadedError('the memory of Redis is full', { cause: error })
    throw error
  }
}
