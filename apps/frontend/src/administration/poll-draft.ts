import type { AccessLevel, Poll, PollInput, PollQuestion } from '@urna/contracts'
import { optionsMax, questionsMax } from '@urna/contracts/poll'

/** A poll while it is being written: what the fields hold, good or not yet. */
export interface PollDraft {
  readonly title: string
  readonly description: string
  readonly questions: readonly QuestionDraft[]
  readonly changesAllowed: boolean
  readonly resultsVisibility: PollInput['resultsVisibility']
  readonly access: AccessLevel
  readonly listed: boolean
}

export interface QuestionDraft {
  /** Stays with the question wherever it is moved. */
  readonly key: number
  readonly text: string
  readonly method: PollQuestion['method']
  readonly required: boolean
  /** As typed; empty: no limit. They count where several options may be chosen. */
  readonly min: string
  readonly max: string
  readonly options: readonly OptionDraft[]
}

export interface OptionDraft {
  readonly key: number
  readonly text: string
}

let lastKey = 0
function newKey(): number {
  lastKey += 1
  return lastKey
}

export function newOption(text = ''): OptionDraft {
  return { key: newKey(), text }
}

export function newQuestion(): QuestionDraft {
  return { key: newKey(), text: '', method: 'single', required: true, min: '', max: '', options: [newOption(), newOption()] }
}

export function newDraft(): PollDraft {
  return {
    title: '',
    description: '',
    questions: [newQuestion()],
    changesAllowed: true,
    resultsVisibility: 'always',
    access: 'open',
    listed: true,
  }
}

export function draftOf(poll: Poll): PollDraft {
  const { title, description, changesAllowed, resultsVisibility, access, listed } = poll
  return {
    title,
    description,
    changesAllowed,
    resultsVisibility,
    access,
    listed,
    questions: poll.questions.map(({ text, method, required, min, max, options }) => ({
      key: newKey(),
      text,
      method,
      required,
      // The widest limits are those of somebody who set none.
      min: min === 1 ? '' : String(min),
      max: max === options.length || method === 'single' ? '' : String(max),
      options: options.map((option) => newOption(option.text)),
    })),
  }
}

/** Body of `POST /v1/polls`, to be checked by `pollInput`. */
export function inputOf({ questions, ...rest }: PollDraft): unknown {
  return {
    ...rest,
    questions: questions.map(({ text, method, required, min, max, options }) => ({
      text,
      method,
      required,
      ...(method === 'single' ? {} : { ...limitOf('min', min), ...limitOf('max', max) }),
      options: options.map((option) => ({ text: option.text })),
    })),
  }
}

function limitOf(name: 'min' | 'max', typed: string): object {
  return typed.trim() === '' ? {} : { [name]: Number(typed) }
}

/** What voters would see of it, as it is now. Rows without a text are left out, as nobody could choose them. */
export function previewOf(draft: PollDraft): Poll {
  const { questions, ...rest } = draft
  return {
    ...rest,
    id: '',
    surveyId: null,
    state: 'draft',
    version: 1,
    opensAt: null,
    closesAt: null,
    createdAt: '',
    questions: questions.map(({ text, method, required, min, max, options }, index) => {
      const shown = options.filter((option) => option.text.trim() !== '')
      const most = method === 'single' ? 1 : Math.max(1, shown.length)
      return {
        number: index + 1,
        text,
        method,
        required,
        min: within(min, 1, most, 1),
        max: method === 'single' ? 1 : within(max, 1, most, most),
        options: shown.map((option, place) => ({ number: place + 1, text: option.text })),
      }
    }),
  }
}

function within(typed: string, least: number, most: number, otherwise: number): number {
  const number = Number(typed)
  return typed.trim() === '' || !Number.isInteger(number) ? otherwise : Math.min(most, Math.max(least, number))
}

/** The list with the entry at `from` at `to`; the same list where there is no such place. */
export function moved<Entry>(entries: readonly Entry[], from: number, to: number): readonly Entry[] {
  const entry = entries[from]
  if (entry === undefined || to < 0 || to >= entries.length) return entries
  return entries.toSpliced(from, 1).toSpliced(to, 0, entry)
}

/** One option a line, behind those that have a text; what is there already, or twice, is not added again. */
export function withPasted(question: QuestionDraft, pasted: string): QuestionDraft {
  const options = question.options.filter((option) => option.text.trim() !== '')
  const known = new Set(options.map((option) => option.text.trim()))
  for (const line of linesOf(pasted)) {
    if (known.has(line) || options.length >= optionsMax) continue
    known.add(line)
    options.push(newOption(line))
  }
  while (options.length < 2) options.push(newOption())
  return { ...question, options }
}

/** Lines that say something, without the blanks around them. */
export function linesOf(text: string): string[] {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

export function mayAddQuestion(draft: PollDraft): boolean {
  return draft.questions.length < questionsMax
}

export function mayAddOption(question: QuestionDraft): boolean {
  return question.options.length < optionsMax
}

/** Whether two drafts say the same, whatever their rows are called inside. */
export function sameDraft(one: PollDraft, other: PollDraft): boolean {
  return JSON.stringify(inputOf(one)) === JSON.stringify(inputOf(other))
}
