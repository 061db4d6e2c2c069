import type { Poll, PollDefinition, PollId, PollListing, PollRepository, PollVersion, Tally, TallySnapshot } from '@urna/core'

let made = 0

/** A listed poll of one question, open since 1970, unless said otherwise. */
export function samplePoll(
  optionTexts: readonly string[],
  changes: { title?: string; question?: string; surveyId?: number | null; version?: Partial<PollVersion> } = {},
): Poll {
  const title = changes.title ?? 'Coca or Pepsi?'
  const definition: PollDefinition = {
    title,
    description: '',
    questions: [
      {
        number: 1,
        text: changes.question ?? title,
        method: 'single',
        required: true,
        min: 1,
        max: 1,
        options: optionTexts.map((text, index) => ({ number: index + 1, text })),
      },
    ],
    changesAllowed: true,
    resultsVisibility: 'always',
    access: 'open',
    listed: true,
  }
  return {
    id: String(++made).padStart(16, '0') as PollId,
    surveyId: changes.surveyId === undefined ? made : changes.surveyId,
    ownerId: null,
    definition,
    version: { version: 2, opensAtMs: 0, closesAtMs: null, ...changes.version },
    revision: 1,
    createdAtMs: made,
    deletedAtMs: null,
    secretSealed: new Uint8Array(),
  }
}

/** Tallies of a poll of one question in which every voter chose one option. */
export function sampleSnapshot(totals: readonly number[], asOfMs: number | null = 0): TallySnapshot {
  const turnout = totals.reduce((sum, total) => sum + total, 0)
  const tallies: Tally[] = totals.map((count, index) => ({ question: 1, key: String(index + 1), count }))
  return { turnout, tallies: [...tallies, { question: 1, key: 'answered', count: turnout }], asOfMs }
}

/** A list of polls, in pages as the repository gives them. */
export function pagedPolls(
  polls: readonly Poll[],
  pageSizeMax = Number.POSITIVE_INFINITY,
): Pick<PollRepository, 'list' | 'find'> & { pages: number } {
  return {
    pages: 0,
    async list({ limit, after }): Promise<PollListing> {
      this.pages++
      const from = after === null ? 0 : polls.findIndex((poll) => poll.id === after) + 1
      const page = polls.slice(from, from + Math.min(limit, pageSizeMax))
      return { polls: page, next: from + page.length < polls.length ? (page.at(-1)?.id ?? null) : null }
    },
    find: async (id) => polls.find((poll) => poll.id === id) ?? null,
  }
}
