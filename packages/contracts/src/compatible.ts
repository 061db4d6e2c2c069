import { z } from 'zod'
import { optionalLine } from './text.ts'
import { email, username } from './user.ts'

/**
 * Shapes of the routes that older clients know (survey, choice, vote, userID, full_name). They never change: the tests of the api hold them.
 */

export const survey = z.object({
  id: z.int(),
  name: z.string(),
  choices: z.array(z.string()),
  created_at: z.string(),
})
export const surveyList = z.object({ surveys: z.array(survey) })
export const surveyNotFound = z.object({ message: z.literal('Survey not found.') })

export const voteInput = z.strictObject({
  survey_id: z.union([z.int().min(1), z.string().regex(/^[1-9][0-9]{0,8}$/, 'expected a survey id')]),
  vote: z.string().min(1).max(200),
})
export const voteCounted = z.object({ message: z.literal('Vote successfully counted') })

export const surveyVotes = z.object({
  votes: z.array(z.object({ vote: z.string(), total: z.int() })),
  /** UTC, `YYYY-MM-DD HH:MM:SS`. */
  timestamp: z.string(),
})

export const userVoteInput = z.strictObject({
  // Ill-formed text has no bytes of its own: two user ids that differ only in a lone surrogate would be one voter.
  userID: z
    .string()
    .min(1)
    .max(255)
    .refine((value) => value.isWellFormed(), 'expected well-formed Unicode text'),
  vote: z.string().min(1).max(200),
})
export const userVoteStatus = z.object({ voteStatus: z.literal(200) })
/** The wording, spelling included, is the one existing clients compare with. */
export const userVoteBadRequest = { badRequest: 'Your json doesnt pass in the application creteria' }

export const voteTotals = z.object({ votes: z.record(z.string(), z.string()) })

export const compatibleUser = z.object({
  id: z.string(),
  username: z.string(),
  full_name: z.string(),
  email: z.string(),
  /** UTC, `YYYY-MM-DD HH:MM:SS`. */
  created_at: z.string(),
  updated_at: z.string(),
})
export const compatibleUserList = z.array(compatibleUser)

/** What a client read may be sent back as it is: id and times are ignored. */
export const compatibleUserInput = z.strictObject({
  username,
  /** Up to the first blank the name, after it the second name: 100 characters each. */
  full_name: optionalLine(201).default(''),
  email: email.default(''),
  id: z.unknown().optional(),
  created_at: z.unknown().optional(),
  updated_at: z.unknown().optional(),
})

export type CompatibleUser = z.infer<typeof compatibleUser>
export type Survey = z.infer<typeof survey>
