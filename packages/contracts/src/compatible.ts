import { z } from 'zod'

/**
 * Shapes of the routes that older clients know (survey, choice, vote, userID). They never change: the tests of the api hold them.
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

export type Survey = z.infer<typeof survey>
