import { hash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import type { Challenge } from '@urna/contracts'

/** Solves challenges as a client in another language would: by what the documents say of them. */
parentPort?.on('message', ({ id, challenge: work }: { id: number; challenge: Challenge }) => {
  const { algorithm, challenge, salt, signature, maxNumber } = work
  let number = 0
  while (number <= maxNumber && hash('sha256', `${salt}${number}`, 'hex') !== challenge) number++
  const proof = JSON.stringify({ algorithm, challenge, number, salt, signature })
  parentPort?.postMessage({ id, proof: Buffer.from(proof).toString('base64') })
})
