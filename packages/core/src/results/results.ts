import { answeredKey } from '../ballot/tally-keys.ts'
import { isFinal, type Poll, type PollState, pollStateAt, type Question } from '../poll/poll.ts'
import type { TallySnapshot } from '../ports/results-reader.ts'

export interface OptionResult {
  readonly number: number
  readonly text: string
  readonly total: number
  /** Of the voters who answered the question, 0..100, one decimal. */
  readonly percent: number
  readonly leads: boolean
}

export interface QuestionResult {
  readonly number: number
  readonly text: string
  readonly answered: number
  readonly options: readonly OptionResult[]
}

export interface Results {
  readonly poll: Poll
  readonly state: PollState
  readonly turnout: number
  readonly asOfMs: number | null
  readonly final: boolean
  readonly questions: readonly QuestionResult[]
}

/** Results: a pure function of the poll, its tallies and the time. */
export function resultsOf(poll: Poll, snapshot: TallySnapshot, nowMs: number): Results {
  const counts = new Map(snapshot.tallies.map((tally) => [`${tally.question}:${tally.key}`, tally.count]))
  const questions = poll.definition.questions.map((question) =>
    questionResult(question, (key) => counts.get(`${question.number}:${key}`) ?? 0),
  )
  return {
    poll,
    state: pollStateAt(poll.version, nowMs),
    turnout: snapshot.turnout,
    asOfMs: snapshot.asOfMs,
    final: isFinal(poll.version, snapshot.asOfMs),
    questions,
  }
}

function questionResult(question: Question, count: (key: string) => number): QuestionResult {
  const answered = count(answeredKey)
  const totals = question.options.map((option) => count(String(option.number)))
  const most = Math.max(...totals)
  return {
    number: question.number,
    text: question.text,
    answered,
    options: question.options.map((option, index) => {
      const total = totals[index] ?? 0
      return { number: option.number, text: option.text, total, percent: percentOf(total, answered), leads: total > 0 && total === most }
    }),
  }
}

/** Share in percent with one decimal, rounded half up; 0 of 0 is 0. */
export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part * 1000) / whole) / 10
}
