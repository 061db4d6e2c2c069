import type { Poll, PollQuestion, Results } from '@urna/contracts'
import { type Answer, type FakeApi, json, problem } from './fake-api.ts'

export const drink = question(1, 'What do you drink?', ['Tea', 'Coffee', 'Water'])
export const days = question(2, 'Which days suit you?', ['Monday', 'Tuesday', 'Friday'], { method: 'multiple', max: 2 })
export const place = question(3, 'Where?', ['Garden', 'Hall'], { required: false })

function question(number: number, text: string, options: string[], more: Partial<PollQuestion> = {}): PollQuestion {
  return {
    number,
    text,
    method: 'single',
    required: true,
    min: 1,
    max: 1,
    options: options.map((option, index) => ({ number: index + 1, text: option })),
    ...more,
  }
}

let polls = 0

/** Every poll has an id of its own: what a page remembers of one must not reach the next test. */
export function newPoll(more: Partial<Poll> = {}): Poll {
  polls += 1
  return {
    id: `1h7qk3v9m2x4${String(polls).padStart(4, '0')}`,
    surveyId: null,
    title: 'Afternoon break',
    description: '',
    state: 'open',
    version: 1,
    opensAt: '2026-11-20T10:00:00.000Z',
    closesAt: null,
    access: 'open',
    listed: true,
    changesAllowed: true,
    resultsVisibility: 'always',
    questions: [drink],
    createdAt: '2026-11-19T10:00:00.000Z',
    ...more,
  }
}

/** `totals`: votes of each option, question by question. Where a voter could choose several, `answered` says how many voters did. */
export function newResults(
  { id, title, state, questions }: Poll,
  totals: number[][],
  more: Partial<Results> = {},
  answered?: number[],
): Results {
  const counted = questions.map(({ number, text, options }, index) => {
    const votes = totals[index] ?? []
    const voters = answered?.[index] ?? votes.reduce((sum, total) => sum + total, 0)
    const most = Math.max(...votes)
    return {
      number,
      text,
      answered: voters,
      options: options.map((option, place) => {
        const total = votes[place] ?? 0
        const percent = voters === 0 ? 0 : Math.round((total / voters) * 1_000) / 10
        return { ...option, total, percent, leads: total > 0 && total === most }
      }),
    }
  })
  return {
    pollId: id,
    title,
    state,
    turnout: Math.max(...counted.map((question) => question.answered)),
    asOf: '2026-11-21T20:00:00.000Z',
    waiting: 0,
    status: 'provisional',
    questions: counted,
    ...more,
  }
}

export const routes = {
  polls: 'GET /v1/polls',
  poll: (id: string) => `GET /v1/polls/${id}`,
  mine: (id: string) => `GET /v1/polls/${id}/ballots/mine`,
  send: (id: string) => `POST /v1/polls/${id}/ballots`,
  challenge: (id: string) => `POST /v1/polls/${id}/challenges`,
  me: 'GET /v1/me',
  results: (id: string) => `GET /v1/polls/${id}/results`,
  live: (id: string) => `GET /v1/polls/${id}/results/live`,
  csv: (id: string) => `GET /v1/polls/${id}/results.csv`,
  receipt: (receipt: string) => `GET /v1/receipts of ${receipt}`,
}

export const receipt = '00000001-2f9c-the-receipt-which-is-as-long-as-those-of-a-real-server'

export function received(of = receipt): Answer {
  return json({ receipt: of, status: 'received', receivedAt: '2026-11-21T20:00:00.000Z' }, 202)
}

/** Where no other is said. */
export const pollOfReceipts = '1h7qk3v9m2x4zzzz'

export function receiptSays(status: string, pollId = pollOfReceipts): Answer {
  return json({ receipt, pollId, status, detail: '' })
}

/** A poll in which this visitor has no vote, that takes votes, and counts them at the second look. */
export function givePoll(api: FakeApi, poll: Poll): void {
  api.on(routes.poll(poll.id), json(poll))
  api.on(routes.mine(poll.id), problem('ballot-not-found'))
  api.on(routes.send(poll.id), received())
  api.on(routes.receipt(receipt), receiptSays('received', poll.id), receiptSays('counted', poll.id))
}
