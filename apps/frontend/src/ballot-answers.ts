import type { FieldError, OwnBallot, Poll, PollQuestion } from '@urna/contracts'
import type { Answers } from './ballot-storage.ts'
import type { Texts } from './texts/index.ts'

/** Chosen option numbers by question number; empty: blank on purpose; none: not looked at yet. */
export type Choices = Record<number, number[] | undefined>

/** Whether two ballots say the same; a question left out is blank. */
export function sameAnswers(one: Answers, other: Answers): boolean {
  const text = (answers: Answers) =>
    answers
      .filter(({ options }) => options.length > 0)
      .map(({ question, options }) => `${question}:${options.toSorted((a, b) => a - b)}`)
      .toSorted()
      .join()
  return text(one) === text(other)
}

/** What is wrong with the answer to a question. `not-taken`: the server refused what this page thought right. */
export type Fault =
  | { kind: 'missing' | 'not-taken' }
  | { kind: 'too-few'; limit: number }
  | { kind: 'too-many'; limit: number; chosen: number }

/** By question number. */
export type Faults = Record<number, Fault>

export function choicesOf(poll: Poll, answers: Answers | OwnBallot['answers']): Choices {
  return Object.fromEntries(
    poll.questions.map((question) => [question.number, answers.find((answer) => answer.question === question.number)?.options]),
  )
}

/** One answer a question, in the poll's order: {@link faultsOfErrors} counts on it. */
export function answersOf(poll: Poll, choices: Choices): Answers {
  return poll.questions.map((question) => ({ question: question.number, options: choices[question.number] ?? [] }))
}

export function toggled(chosen: readonly number[], option: number): number[] {
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

function faultOf(question: PollQuestion, chosen: number): Fault | null {
  if (chosen === 0) return question.required ? { kind: 'missing' } : null
  if (chosen < question.min) return { kind: 'too-few', limit: question.min }
  if (chosen > question.max) return { kind: 'too-many', limit: question.max, chosen }
  return null
}

export function faultText({ vote }: Texts, fault: Fault): string {
  switch (fault.kind) {
    case 'missing':
      return vote.faultMissing
    case 'too-few':
      return vote.faultTooFew(fault.limit)
    case 'too-many':
      return vote.faultTooMany(fault.limit, fault.chosen)
    case 'not-taken':
      return vote.faultNotTaken
  }
}

/** How many questions are done: answered as they ask, or left blank on purpose. */
export function answeredCount(poll: Poll, choices: Choices): number {
  return poll.questions.filter((question) => {
    const chosen = choices[question.number]
    return chosen !== undefined && faultOf(question, chosen.length) === null
  }).length
}

/** The questions that the server's errors speak of. */
export function faultsOfErrors(poll: Poll, errors: readonly FieldError[]): Faults {
  const faults: Faults = {}
  for (const error of errors) {
    const index = /^answers\[(\d+)\]/.exec(error.field)?.[1]
    const question = index === undefined ? undefined : poll.questions[Number(index)]
    if (question !== undefined) faults[question.number] = { kind: 'not-taken' }
  }
  return faults
}
