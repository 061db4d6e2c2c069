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

/** Data of the event `delayed`: the numbers cannot be read now, for this reason; the stream goes on by itself. */
export const liveResultsDelayed = z.object({ problem: z.string() })

/** Data of the event `end`, the last of its stream: nothing will change any more, or the name of the problem that ends it. */
export const liveResultsEnd = z.union([z.object({ final: z.literal(true) }), z.object({ problem: z.string() })])

export type Results = z.infer<typeof results>
export type QuestionResult = z.infer<typeof questionResult>
export type OptionResult = z.infer<typeof optionResult>
export type LiveResultsDelayed = z.infer<typeof liveResultsDelayed>
export type LiveResultsEnd = z.infer<typeof liveResultsEnd>
