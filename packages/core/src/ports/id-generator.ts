import { randomBytes } from 'node:crypto'

/** Guarantee: every byte comes from a cryptographic source, so that nobody can guess the next id. */
export interface IdGenerator {
  randomBytes(length: number): Buffer
}

export const systemIds: IdGenerator = { randomBytes: (length) => randomBytes(length) }
