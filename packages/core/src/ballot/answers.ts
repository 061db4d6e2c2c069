import type { PollDefinition, Question } from '../poll/poll.ts'
import { failure, type Result, success } from '../result.ts'

/** A voter's answer to one question, as it comes in. */
export interface Answer {
  readonly question: number
  readonly options: readonly number[]
}

/** One canonical text a question, in the poll's order, '' where blank. Equal answers are equal texts. */
export type CanonicalAnswers = readonly string[]

export interface AnswerFault {
  /** Path into the ballot: `answers[0].options`. */
  readonly field: string
  readonly detail: string
}

/** Canonical form of a set of options: their numbers in ascending order, "2" or "1,3". */
function canonicalAnswer(options: readonly number[]): string {
  return [...options].sort((left, right) => left - right).join(',')
}

/** Reads a canonical answer back; null if it is not one, or does not fit the question. */
export function optionsOf(question: Question, answer: string): number[] | null {
  if (answer === '') return question.required ? null : []
  const options: number[] = []
  let previous = 0
  for (const text of answer.split(',')) {
    if (!/^[1-9][0-9]{0,2}$/.test(text)) return null
    const number = Number(text)
    if (number <= previous || number > question.options.length) return null
    options.push(number)
    previous = number
  }
  return options.length < question.min || options.length > question.max ? null : options
}

/** True if these canonical answers are ones that {@link canonicalAnswers} could have made for this poll. */
export function answersFit(definition: PollDefinition, answers: CanonicalAnswers): boolean {
  return (
    answers.length === definition.questions.length &&
    definition.questions.every((question, index) => optionsOf(question, answers[index] as string) !== null)
  )
}

/** Checks a ballot against the poll and brings it to its canonical form; names every fault. */
export function canonicalAnswers(definition: PollDefinition, answers: readonly Answer[]): Result<CanonicalAnswers, AnswerFault[]> {
  const faults: AnswerFault[] = []
  const canonical: string[] = definition.questions.map(() => '')
  const answered = new Set<number>()
  answers.forEach((answer, index) => {
    const question = definition.questions[answer.question - 1]
    if (question === undefined) {
      faults.push({
        field: `answers[${index}].question`,
        detail: `expected the number of a question of this poll, 1..${definition.questions.length}`,
      })
      return
    }
    if (answered.has(answer.question)) {
      faults.push({ field: `answers[${index}].question`, detail: 'expected each question at most once' })
      return
    }
    answered.add(answer.question)
    const fault = faultOf(question, answer.options)
    if (fault === null) canonical[answer.question - 1] = canonicalAnswer(answer.options)
    else faults.push({ field: `answers[${index}].options`, detail: fault })
  })
  for (const question of definition.questions) {
    if (question.required && !answered.has(question.number)) {
      faults.push({ field: 'answers', detail: `expected an answer to question ${question.number}, which must be answered` })
    }
  }
  return faults.length > 0 ? failure(faults) : success(canonical)
}

function faultOf(question: Question, options: readonly number[]): string | null {
  if (options.length === 0) return question.required ? 'expected an option: this question must be answered' : null
  for (const option of options) {
    if (option < 1 || option > question.options.length) return `expected numbers of options of this question, 1..${question.options.length}`
  }
  if (new Set(options).size !== options.length) return 'expected each option at most once'
  if (options.length < question.min) return `expected at least ${question.min} options`
  if (options.length > question.max) return `expected at most ${question.max} option${question.max === 1 ? '' : 's'}`
  return null
}
