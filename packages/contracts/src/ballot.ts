import { z } from 'zod'
import { optionsMax, pollId, questionsMax } from './poll.ts'

/** Body of `POST /v1/polls/{id}/ballots`. A question left out, or with no options, is left blank. */
export const ballotInput = z.strictObject({
  answers: z
    .array(
      z.strictObject({
        question: z.int().min(1).max(questionsMax),
        options: z.array(z.int().min(1).max(optionsMax)).max(optionsMax),
      }),
    )
    .min(1)
    .max(questionsMax),
})

/** Answer of `POST /v1/polls/{id}/ballots`, status 202: the ballot is durably in the queue and will be counted. */
export const ballotReceived = z.object({
  receipt: z.string(),
  status: z.literal('received'),
  /** Queue time of the ballot, ISO 8601 in UTC: the instant that decides whether it was in time. */
  receivedAt: z.string(),
})

/** Answer of `GET /v1/polls/{id}/ballots/mine`. */
export const ownBallot = z.object({
  answers: z.array(z.object({ question: z.int(), options: z.array(z.int()) })),
  receipt: z.string(),
})

export const receiptStatus = z.enum(['received', 'counted', 'replaced', 'rejected', 'late', 'lost'])

/** Answer of `GET /v1/receipts/{id}`. */
export const receipt = z.object({
  receipt: z.string(),
  pollId,
  status: receiptStatus,
  /** One sentence that says what the status means. */
  detail: z.string(),
})

/** The header that makes a retry the same voter. At least 16 characters, so that two strangers do not meet by chance. */
export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{16,255}$/, 'expected 16 to 255 printable ASCII characters without spaces')

export type BallotInput = z.infer<typeof ballotInput>
export type BallotReceived = z.infer<typeof ballotReceived>
export type OwnBallot = z.infer<typeof ownBallot>
export type ReceiptStatus = z.infer<typeof receiptStatus>
export type Receipt = z.infer<typeof receipt>
