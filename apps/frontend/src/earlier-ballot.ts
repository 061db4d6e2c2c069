import { ApiFailure, getOwnBallot, getReceipt } from './api.ts'
import { type Answers, forgetSent, readPending, readSent } from './ballot-storage.ts'
import { serverNowMs } from './server-clock.ts'
import { isThisBrowser, knownKey, type Voter } from './voter.ts'

/** What this voter has voted before, as the server or this browser knows it. */
export interface EarlierBallot {
  receipt: string
  answers: Answers
}

const countedDelay = 60_000

/** Null: none is known. In polls of codes and accounts it throws what the server says of a voter who may not vote. */
export async function findEarlierBallot(voter: Voter, signal: AbortSignal): Promise<EarlierBallot | null> {
  const sent = readSent(voter.name)
  // Just sent: the server may show it only when it is counted, and until then an older one.
  if (sent !== null && serverNowMs() - Date.parse(sent.receivedAt) < countedDelay) return sent
  try {
    const key = isThisBrowser(voter) ? (readPending(voter.name)?.key ?? knownKey(voter)) : null
    const own = await getOwnBallot(voter, key, signal)
    if (own !== null || sent === null) return own
    // The server has no ballot of this voter, though it once confirmed one. If that one is lost or does not count, the voter may vote.
    const { status } = await getReceipt(sent.receipt, signal)
    if (status !== 'lost' && status !== 'rejected') return sent
    forgetSent(voter.name)
    return null
  } catch (error) {
    if (!isThisBrowser(voter) && error instanceof ApiFailure && (error.status === 401 || error.status === 403)) throw error
    // Not knowing the earlier ballot must not keep anybody from voting.
    return sent
  }
}
