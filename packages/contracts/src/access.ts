import { z } from 'zod'
import { optionalLine } from './text.ts'
import { user, userId, username } from './user.ts'

/** The most voting codes of a poll. */
export const codesMax = 100_000
/** The most that one request makes. */
export const codesAtOnceMax = 5_000

/** 128 bits as 26 characters of Crockford's base 32, in groups for the eye: `0123-4567-89ab-cdef-ghjk-mnpq-rs`. Case, blanks and dashes do not count; i and l are 1, o is 0. */
export const votingCodeLength = 26

/** Body of `POST /v1/polls/{id}/codes`: so many codes, or one for each label (a personal link). */
export const codesInput = z
  .strictObject({
    count: z.int().min(1).max(codesAtOnceMax).optional(),
    labels: z.array(optionalLine(100)).min(1).max(codesAtOnceMax).optional(),
  })
  .refine(({ count, labels }) => (count === undefined) !== (labels === undefined), 'expected either count or labels')

/** A voting code without its secret. */
export const votingCode = z.object({
  id: z.string(),
  label: z.string(),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
})

/** Answer of `POST /v1/polls/{id}/codes`: the only time that codes are shown. Voters follow `/p/{poll}#code={code}`. */
export const newCodes = z.object({
  codes: z.array(z.object({ id: z.string(), label: z.string(), code: z.string() })),
})

/** Answer of `GET /v1/polls/{id}/codes`, in the order in which they were made. */
export const codeList = z.object({ codes: z.array(votingCode), next: z.string().nullable(), total: z.int(), revoked: z.int() })

/** Query of lists that page by an id. */
export const codeQuery = z.object({
  limit: z.coerce.number('expected a number, 1..500').int().min(1).max(500).default(100),
  after: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'expected the id of a code')
    .optional(),
})

/** Body of `POST /v1/polls/{id}/voters`. */
export const rollInput = z.strictObject({ usernames: z.array(username).min(1).max(5_000) })

/** Answer of it. `unknown`: usernames that nobody has; the others are on the roll. */
export const rollAdded = z.object({ added: z.int(), already: z.int(), unknown: z.array(z.string()) })

export const rollUser = user.pick({ id: true, username: true, name: true, secondName: true })

/** Answer of `GET /v1/polls/{id}/voters`, by number. */
export const rollList = z.object({ users: z.array(rollUser), next: z.string().nullable(), total: z.int() })

export const rollQuery = z.object({
  limit: z.coerce.number('expected a number, 1..500').int().min(1).max(500).default(100),
  after: userId.optional(),
})

/**
 * Answer of `POST /v1/polls/{id}/challenges`: what a voter's browser has to solve before it votes in a guarded poll, for exactly this voter in this poll.
 * Find the `number` in 0..maxNumber for which SHA-256(salt + number), in hexadecimal, is `challenge`; send `urna-proof` with the ballot: base64 of the JSON
 * {algorithm, challenge, number, salt, signature}. (The form of ALTCHA.)
 */
export const challenge = z.object({
  algorithm: z.literal('SHA-256'),
  challenge: z.string(),
  salt: z.string(),
  signature: z.string(),
  maxNumber: z.int(),
  /** When it can no longer be used, ISO 8601 in UTC. */
  expiresAt: z.string(),
})

/** The header with a solved challenge. */
export const proofHeader = 'urna-proof'
/** The header with a voting code. */
export const votingCodeHeader = 'urna-voting-code'

export type VotingCode = z.infer<typeof votingCode>
export type NewCodes = z.infer<typeof newCodes>
export type CodeList = z.infer<typeof codeList>
export type RollAdded = z.infer<typeof rollAdded>
export type RollList = z.infer<typeof rollList>
export type Challenge = z.infer<typeof challenge>
