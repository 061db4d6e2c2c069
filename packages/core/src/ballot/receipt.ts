import { timingSafeEqual } from 'node:crypto'
import type { PollId } from '../poll/poll.ts'
import { pollIdBytes, pollIdFromBytes, pollIdToBytes } from '../poll/poll-id.ts'
import type { MasterKey } from '../secrets/master-key.ts'
import { voterKeyBytes } from './identity.ts'
import { type Sequence, sequenceBytes } from './sequence.ts'

/** What a voter can check: names one ballot, says nothing about its answers. */
export interface Receipt {
  readonly pollId: PollId
  readonly voterKey: Buffer
  readonly seq: Sequence
}

const tagBytes = 8
const bodyBytes = pollIdBytes + voterKeyBytes + sequenceBytes
const receiptBytes = bodyBytes + tagBytes
const receiptLength = Math.ceil((receiptBytes * 4) / 3)

/** base64url(poll id 10 | voter key 16 | seq 16 | tag 8): 67 characters. */
export function receiptText(
  masterKey: Pick<MasterKey, 'receiptHmac'>,
  receipt: { pollId: PollId; voterKey: Uint8Array; seq: Uint8Array },
): string {
  const bytes = Buffer.allocUnsafe(receiptBytes)
  bytes.set(pollIdToBytes(receipt.pollId) as Buffer, 0)
  bytes.set(receipt.voterKey, pollIdBytes)
  bytes.set(receipt.seq, pollIdBytes + voterKeyBytes)
  masterKey.receiptHmac(bytes.subarray(0, bodyBytes)).copy(bytes, bodyBytes, 0, tagBytes)
  return bytes.toString('base64url')
}

/** The receipt in a text, or null for anything we did not issue. */
export function parseReceipt(masterKey: Pick<MasterKey, 'receiptHmac'>, text: string): Receipt | null {
  if (text.length !== receiptLength) return null
  const bytes = Buffer.from(text, 'base64url')
  // base64url has spare bits at the end: only the text that we would write ourselves is ours.
  if (bytes.length !== receiptBytes || bytes.toString('base64url') !== text) return null
  const tag = masterKey.receiptHmac(bytes.subarray(0, bodyBytes)).subarray(0, tagBytes)
  if (!timingSafeEqual(tag, bytes.subarray(bodyBytes))) return null
  return {
    pollId: pollIdFromBytes(bytes.subarray(0, pollIdBytes)),
    voterKey: bytes.subarray(pollIdBytes, pollIdBytes + voterKeyBytes),
    seq: bytes.subarray(pollIdBytes + voterKeyBytes, bodyBytes),
  }
}
