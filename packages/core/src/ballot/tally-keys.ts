import type { PollDefinition, Question } from '../poll/poll.ts'
import type { CanonicalAnswers } from './answers.ts'

/** The tally key under which the voters who answered a question are counted: the base of its percentages. */
export const answeredKey = 'answered'

export interface TallyKey {
  readonly question: number
  /** At most 40 characters of ASCII. */
  readonly key: string
}

/**
 * The tallies one ballot adds to: the counting method's pure function. Results are a pure function of the sums of these.
 *
 * single and multiple: one key for each chosen option. (score would be `option=score`, ranked the whole order: other keys in the same table.)
 */
export function tallyKeys(definition: PollDefinition, answers: CanonicalAnswers): TallyKey[] {
  return definition.questions.flatMap((question, index) => questionKeys(question, answers[index] ?? ''))
}

function questionKeys(question: Question, answer: string): TallyKey[] {
  if (answer === '') return []
  const keys = answer.split(',').map((key) => ({ question: question.number, key }))
  keys.push({ question: question.number, key: answeredKey })
  return keys
}
