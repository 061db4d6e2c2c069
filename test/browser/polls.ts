import { randomUUID } from 'node:crypto'
import { asAdministrator, getJson, openPoll, send, type TestPoll, until } from '../support/client.ts'

/** Polls and ballots as other people make them, through the API. */

export const drinks = {
  title: 'What do we drink?',
  questions: [{ text: 'Which one?', options: [{ text: 'Tea' }, { text: 'Coffee' }, { text: 'Water' }] }],
}

/** One question that must be answered, one that may be left blank, and one with at most two answers. */
export const threeQuestions = {
  title: 'The summer party',
  description: 'On a Saturday.\nIn the garden, if it does not rain.',
  questions: [
    { text: 'When?', options: [{ text: 'June' }, { text: 'July' }] },
    { text: 'Who plays?', required: false, options: [{ text: 'The choir' }, { text: 'The band' }] },
    { text: 'What do we eat?', method: 'multiple', max: 2, options: [{ text: 'Salad' }, { text: 'Bread' }, { text: 'Cake' }] },
  ],
}

/** An instant some seconds from now. */
export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1_000).toISOString()
}

/** A poll that opens later. */
export async function schedulePoll(base: string, input: unknown, times: { opensAt: string; closesAt?: string }): Promise<TestPoll> {
  const created = await send('POST', `${base}/v1/polls`, { body: input, headers: asAdministrator })
  const { id } = JSON.parse(created.text) as TestPoll
  const opened = await send('POST', `${base}/v1/polls/${id}/open`, { body: times, headers: asAdministrator })
  if (opened.status !== 200) throw new Error(`poll not scheduled: ${opened.status} ${opened.text}`)
  await until(async () => ((await send('GET', `${base}/v1/polls/${id}`)).status === 200 ? true : null))
  return { id, surveyId: null }
}

/** A poll that has been closed, with its last ballot counted. */
export async function closedPoll(base: string, input: unknown, ballots: readonly (readonly number[][])[] = []): Promise<TestPoll> {
  const poll = await openPoll(base, input, { closesAt: inSeconds(3) })
  for (const ballot of ballots) await vote(base, poll.id, ballot)
  await until(async () => ((await getJson<{ state: string }>(`${base}/v1/polls/${poll.id}`)).state === 'closed' ? true : null))
  return poll
}

/** The ballot of somebody new; the options chosen, question by question. Resolves with the receipt. */
export async function vote(
  base: string,
  pollId: string,
  options: readonly (readonly number[])[],
  key: string = randomUUID(),
): Promise<string> {
  const answers = options.map((chosen, index) => ({ question: index + 1, options: chosen }))
  const answer = await send('POST', `${base}/v1/polls/${pollId}/ballots`, { body: { answers }, headers: { 'idempotency-key': key } })
  if (answer.status !== 202) throw new Error(`ballot not taken: ${answer.status} ${answer.text}`)
  return (JSON.parse(answer.text) as { receipt: string }).receipt
}

/** Words that no line can be broken in, as long as the api takes them. */
export const longWords = {
  title: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(2),
  description: `https://example.org/${'a'.repeat(300)}`,
  questions: [
    { text: 'Q'.repeat(300), options: [{ text: 'Rindfleischetikettierungsüberwachungsaufgabe'.repeat(4) }, { text: 'W'.repeat(200) }] },
    { text: 'What else?', required: false, options: [{ text: 'x'.repeat(200) }, { text: 'short' }] },
  ],
}
