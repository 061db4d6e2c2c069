import type { FieldError, OwnBallot, Poll, PollQuestion } from '@urna/contracts'
import type { Answers } from './ballot-storage.ts'
import { texts } from './texts.ts'

/** Chosen option numbers by question number; empty is blank. */
export type Choices = Record<number, number[]>

/** What is wrong, by question number. */
export type Faults = Record<number, string>

export function choicesOf(poll: Poll, answers: Answers | OwnBallot['answers']): Choices {
  return Object.fromEntries(
    poll.questions.map((question) => [question.number, answers.find((answer) => answer.question === question.number)?.options ?? []]),
  )
}

/** One answer a question, in the poll's order: {@link splitErrors} counts on it. */
export function answersOf(poll: Poll, choices: Choices): Answers {
  return poll.questions.map((question) => ({ question: question.number, options: choices[question.number] ?? [] }))
}

export function toggled(chosen: number[], option: number): number[] {
  return chosen.includes(option) ? chosen.filter((other) => other !== option) : [...chosen, option].sort((a, b) => a - b)
}

export function findFaults(poll: Poll, choices: Choices): Faults {
  const faults: Faults = {}
  for (const question of poll.questions) {
    const fault = faultOf(question, choices[question.number]?.length ?? 0)
    if (fault !== null) faults[question.number] = fault
  }
  return faults
}

function faultOf(question: PollQuestion, chosen: number): string | null {
  if (chosen === 0) return question.required ? texts.vote.faultMissing : null
  if (chosen < question.min) return texts.vote.faultTooFew(question.min)
  if (chosen > question.max) return texts.vote.faultTooMany(question.max)
  return null
}

/** Gives each of the server's errors to the question it speaks of; the rest concerns the ballot as a whole. */
export function splitErrors(poll: Poll, errors: readonly FieldError[]): { byQuestion: Faults; others: FieldError[] } {
  const byQuestion: Faults = {}
  const others: FieldError[] = []
  for (const error of errors) {
    const index = /^answers\[(\d+)\]/.exec(error.field)?.[1]
    const question = index === undefined ? undefined : poll.questions[Number(index)]
    if (question === undefined) others.push(error)
    else byQuestion[question.number] = error.detail
  }
  return { byQuestion, others }
}
