import type { Challenge } from '@urna/contracts'
import { ApiFailure, postChallenge } from './api.ts'
import { serverNowMs } from './server-clock.ts'
import { solveBetween, type Work } from './solve-challenge.ts'

export interface Proof {
  readonly text: string
  readonly expiresAtMs: number
}

/** A proof that is used near its end would come too late. */
const marginMs = 20_000

export function isFresh(proof: Proof | null): proof is Proof {
  return proof !== null && serverNowMs() + marginMs < proof.expiresAtMs
}

/** Asks for a challenge for this voter, and solves it. `onWork`: it will take a moment. Throws an {@link ApiFailure}. */
export async function getProof(pollId: string, key: string, signal: AbortSignal, onWork: () => void): Promise<Proof> {
  const challenge = await postChallenge(pollId, key, signal)
  if (challenge.maxNumber > 0) onWork()
  const number = challenge.maxNumber === 0 ? 0 : await solve(challenge, signal)
  return { text: proofText(challenge, number), expiresAtMs: Date.parse(challenge.expiresAt) }
}

function proofText({ algorithm, challenge, salt, signature }: Challenge, number: number): string {
  return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }))
}

async function solve(work: Work, signal: AbortSignal): Promise<number> {
  const { challenge, salt, maxNumber } = work
  // Only what the worker needs: the rest is nobody's business there.
  const number = (await solveInWorker({ challenge, salt, maxNumber }, signal)) ?? (await solveHere(work, signal))
  if (number === null) throw new ApiFailure('no-answer')
  return number
}

/** Null: there are no workers here. */
function solveInWorker(work: Work, signal: AbortSignal): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let worker: Worker
    try {
      worker = new Worker(new URL('./solve-worker.ts', import.meta.url), { type: 'module' })
    } catch {
      resolve(null)
      return
    }
    const end = () => {
      worker.terminate()
      signal.removeEventListener('abort', abort)
    }
    const abort = () => {
      end()
      reject(new ApiFailure('no-connection'))
    }
    signal.addEventListener('abort', abort)
    worker.onmessage = ({ data }: MessageEvent<number | null>) => {
      end()
      resolve(data)
    }
    // It could not be loaded, or is too new for this browser.
    worker.onerror = (event) => {
      event.preventDefault()
      end()
      resolve(null)
    }
    worker.postMessage(work)
  })
}

const sliceNumbers = 2_000

/** In the page itself, in slices, so that it can be scrolled meanwhile. */
async function solveHere(work: Work, signal: AbortSignal): Promise<number | null> {
  for (let from = 0; from <= work.maxNumber; from += sliceNumbers) {
    if (signal.aborted) throw new ApiFailure('no-connection')
    const number = solveBetween(work, from, Math.min(work.maxNumber, from + sliceNumbers - 1))
    if (number !== null) return number
    await new Promise((resolve) => setTimeout(resolve))
  }
  return null
}
