import type * as contracts from '@urna/contracts'
import { type Poll, type PollDefinition, type PollId, pollStateAt, type Question, type Results } from '@urna/core'

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}

export function pollOnWire(poll: Poll, nowMs: number): contracts.Poll {
  const { definition, version } = poll
  return {
    id: poll.id,
    surveyId: poll.surveyId,
    title: definition.title,
    description: definition.description,
    state: pollStateAt(version, nowMs),
    version: version.version,
    opensAt: isoOrNull(version.opensAtMs),
    closesAt: isoOrNull(version.closesAtMs),
    access: definition.access,
    listed: definition.listed,
    changesAllowed: definition.changesAllowed,
    resultsVisibility: definition.resultsVisibility,
    questions: definition.questions.map((question) => ({ ...question, options: question.options.map((option) => ({ ...option })) })),
    createdAt: iso(poll.createdAtMs),
  }
}

export function pollListOnWire(listing: { polls: readonly Poll[]; next: PollId | null }, nowMs: number): contracts.PollList {
  return { polls: listing.polls.map((poll) => pollOnWire(poll, nowMs)), next: listing.next }
}

export function resultsOnWire(results: Results, waiting: number): contracts.Results {
  return {
    pollId: results.poll.id,
    title: results.poll.definition.title,
    state: results.state,
    turnout: results.turnout,
    asOf: isoOrNull(results.asOfMs),
    waiting,
    status: results.final ? 'final' : 'provisional',
    questions: results.questions.map((question) => ({ ...question, options: [...question.options] })),
  }
}

/** Questions and options are numbered from 1 in the order they were sent; limits that were left out are the widest that fit. */
export function definitionOf(input: contracts.PollInput): PollDefinition {
  const { questions, ...rest } = input
  return {
    ...rest,
    questions: questions.map((question, index): Question => {
      const widest = question.method === 'single' ? 1 : question.options.length
      return {
        number: index + 1,
        text: question.text,
        method: question.method,
        required: question.required,
        min: question.min ?? 1,
        max: question.max ?? widest,
        options: question.options.map((option, optionIndex) => ({ number: optionIndex + 1, text: option.text })),
      }
    }),
  }
}

/** `YYYY-MM-DD HH:MM:SS` in UTC, as the survey routes write an instant. */
export function surveyTimestamp(ms: number): string {
  return iso(ms).slice(0, 19).replace('T', ' ')
}
