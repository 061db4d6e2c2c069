import { z } from 'zod'
import { instant, line, lines } from './text.ts'

/** The most questions a poll may have; the number of a question fits one byte of a tally's key. */
export const questionsMax = 20
/** The most options a question may have. */
export const optionsMax = 100

/** A poll's public id: 10 random bytes as 16 characters of Crockford's base 32, lower case. */
export const pollId = z.string().regex(/^[0-9a-hjkmnp-tv-z]{16}$/, 'expected a poll id: 16 characters of 0-9 and a-z without i, l, o, u')

export const countingMethod = z.enum(['single', 'multiple'])
/** Who sees results, and when. `owner`: only with the administrator's token. */
export const resultsVisibility = z.enum(['always', 'after_voting', 'after_closing', 'owner'])
/** Who may vote: everybody; everybody, with proof of work when many come from one address; who has a voting code; who is on the voter roll. */
export const accessLevel = z.enum(['open', 'guarded', 'code', 'account'])
export const pollState = z.enum(['draft', 'scheduled', 'open', 'closed'])

const questionInput = z
  .strictObject({
    text: line(500),
    method: countingMethod.default('single'),
    required: z.boolean().default(true),
    min: z.int().min(1).max(optionsMax).optional(),
    max: z.int().min(1).max(optionsMax).optional(),
    options: z
      .array(z.strictObject({ text: line(200) }))
      .min(2)
      .max(optionsMax),
  })
  .superRefine((question, context) => {
    const seen = new Set<string>()
    question.options.forEach((option, index) => {
      if (seen.has(option.text)) {
        context.addIssue({
          code: 'custom',
          path: ['options', index, 'text'],
          message: 'expected a text that no other option of this question has',
        })
      }
      seen.add(option.text)
    })
    if (question.method === 'single' && (question.min ?? question.max) !== undefined) {
      context.addIssue({
        code: 'custom',
        path: [question.min === undefined ? 'max' : 'min'],
        message: 'expected no limit: one option is chosen where method is single',
      })
    }
    if (question.max !== undefined && question.max > question.options.length) {
      context.addIssue({ code: 'custom', path: ['max'], message: `expected at most the number of options, ${question.options.length}` })
    }
    if (question.min !== undefined && question.min > (question.max ?? question.options.length)) {
      context.addIssue({ code: 'custom', path: ['min'], message: 'expected min to be at most max and the number of options' })
    }
  })

/** Body of `POST /v1/polls` and `PUT /v1/polls/{id}`. A new poll is a draft until it is opened. */
export const pollInput = z.strictObject({
  title: line(200),
  description: lines(2000).default(''),
  questions: z.array(questionInput).min(1).max(questionsMax),
  changesAllowed: z.boolean().default(true),
  resultsVisibility: resultsVisibility.default('always'),
  access: accessLevel.default('open'),
  listed: z.boolean().default(true),
})

/** Body of `POST /v1/polls/{id}/open`: opens now, or at `opensAt`; stays open until `closesAt`, or until it is closed. */
export const openPollInput = z.strictObject({
  opensAt: instant.nullish(),
  closesAt: instant.nullish(),
})

/** Body of `POST /v1/polls/{id}/close`: closes in ten seconds (what voters have sent by then still counts), or at `closesAt`. */
export const closePollInput = z.strictObject({
  closesAt: instant.nullish(),
})

export const option = z.object({ number: z.int(), text: z.string() })

export const question = z.object({
  /** Stable, from 1. Ballots and tallies name a question by it. */
  number: z.int(),
  text: z.string(),
  method: countingMethod,
  required: z.boolean(),
  /** The fewest and the most options a voter who answers may choose. */
  min: z.int(),
  max: z.int(),
  options: z.array(option),
})

/** A poll as the API shows it. Instants are ISO 8601 in UTC. */
export const poll = z.object({
  id: pollId,
  /** The small number of this poll at the survey routes; null for unlisted polls, drafts, and polls of several questions. */
  surveyId: z.int().nullable(),
  title: z.string(),
  description: z.string(),
  state: pollState,
  version: z.int(),
  opensAt: z.string().nullable(),
  closesAt: z.string().nullable(),
  access: accessLevel,
  listed: z.boolean(),
  changesAllowed: z.boolean(),
  resultsVisibility,
  questions: z.array(question),
  createdAt: z.string(),
})

/** One page of polls, newest first; `next` is the `after` of the next page, null on the last. */
export const pollList = z.object({ polls: z.array(poll), next: z.string().nullable() })

/** A poll as its organizers see it. */
export const managedPoll = poll.extend({
  /** Null: nobody's; then administrators alone change it. */
  owner: z.object({ id: z.string(), username: z.string() }).nullable(),
  /** Voters counted so far. */
  turnout: z.int(),
  /** Of the last change by an organizer, or of the last ballot that was counted, whichever is later. ISO 8601 in UTC. */
  lastActivityAt: z.string(),
})

/** Query of `GET /v1/managed-polls`. */
export const managedPollQuery = z.object({
  /** What the title contains. */
  search: line(200).optional(),
  limit: z.coerce.number('expected a number, 1..100').int().min(1).max(100).default(50),
  after: pollId.optional(),
})

/** Answer of `GET /v1/managed-polls`. */
export const managedPollList = z.object({ polls: z.array(managedPoll), next: z.string().nullable() })

export type AccessLevel = z.infer<typeof accessLevel>
export type ManagedPoll = z.infer<typeof managedPoll>
export type ManagedPollList = z.infer<typeof managedPollList>
export type PollInput = z.output<typeof pollInput>
export type Poll = z.infer<typeof poll>
export type PollQuestion = z.infer<typeof question>
export type PollOption = z.infer<typeof option>
export type PollList = z.infer<typeof pollList>
