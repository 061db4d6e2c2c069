import { z } from 'zod'
import { pollId, pollState } from './poll.ts'

export const optionResult = z.object({
  number: z.int(),
  text: z.string(),
  total: z.int(),
  /** Share of the voters who answered this question, 0..100, one decimal. */
  percent: z.number(),
  /** True for the option with the most votes (all of them, on a tie); false everywhere while there are no votes. */
  leads: z.boolean(),
})

export const questionResult = z.object({
  number: z.int(),
  text: z.string(),
  /** Voters who answered this question: the base of every percent. */
  answered: z.int(),
  options: z.array(optionResult),
})

/** Answer of `GET /v1/polls/{id}/results`. */
export const results = z.object({
  pollId,
  title: z.string(),
  state: pollState,
  /** Distinct voters. */
  turnout: z.int(),
  /** All ballots accepted until this instant are in these numbers; null before the first beat of the counter. */
  asOf: z.string().nullable(),
  /** Ballots that wait in the queue (of every poll); exact at 0. */
  waiting: z.int(),
  status: z.enum(['provisional', 'final']),
  questions: z.array(questionResult),
})

export type Results = z.infer<typeof results>
export type QuestionResult = z.infer<typeof questionResult>
export type OptionResult = z.infer<typeof optionResult>
