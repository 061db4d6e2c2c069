import { bytesOfCrockford, crockfordOf } from '../crockford.ts'
import type { IdGenerator } from '../ports/id-generator.ts'
import type { PollId } from './poll.ts'

export const pollIdBytes = 10

export function newPollId(ids: IdGenerator): PollId {
  return pollIdFromBytes(ids.randomBytes(pollIdBytes))
}

/** 10 bytes -> 16 characters. */
export function pollIdFromBytes(bytes: Uint8Array): PollId {
  return crockfordOf(bytes) as PollId
}

/** 16 characters -> 10 bytes; null if the text is no poll id. */
export function pollIdToBytes(id: string): Buffer | null {
  return id.length === 16 ? bytesOfCrockford(id) : null
}

export function parsePollId(text: string): PollId | null {
  return pollIdToBytes(text) === null ? null : (text as PollId)
}
