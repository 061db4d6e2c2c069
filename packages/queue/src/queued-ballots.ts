import { decodeEntry } from '@urna/contracts'
import type { QueuedBallot, Sequence } from '@urna/core'

/**
 * The body of an entry -> its ballots, each with its sequence. A ballot that cannot be read keeps its place, so that it is parked alone;
 * an entry that cannot be read at all is one such ballot, numbered under `unreadableEpoch`.
 */
export function queuedBallots(
  body: string,
  atMs: number,
  unreadableEpoch: number,
  sequenceOf: (epoch: number, index: number) => Sequence,
): QueuedBallot[] {
  try {
    const { epoch, ballots } = decodeEntry(body)
    return ballots.map((ballot, index) => ({
      seq: sequenceOf(epoch, index),
      atMs,
      ballot: 'malformed' in ballot ? null : { ...ballot, voterKey: Buffer.from(ballot.voterKey) },
      raw: () =>
        Buffer.from(
          'malformed' in ballot
            ? body
            : JSON.stringify([ballot.pollId, ballot.pollVersion, Buffer.from(ballot.voterKey).toString('base64url'), ballot.answers]),
        ),
    }))
  } catch {
    return [{ seq: sequenceOf(unreadableEpoch, 0), atMs, ballot: null, raw: () => Buffer.from(body) }]
  }
}
