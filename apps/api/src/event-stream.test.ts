import { expect, it } from 'vitest'
import { acceptsEventStream, eventText } from './event-stream.ts'

it('writes an event in the lines of the standard', () => {
  expect(eventText({ event: 'results', id: 'abc', data: '{"text":"a\\nb"}' })).toBe('event: results\nid: abc\ndata: {"text":"a\\nb"}\n\n')
  expect(eventText({ event: 'end', data: '{}' })).toBe('event: end\ndata: {}\n\n')
})

it('knows who takes event streams', () => {
  const taken = [
    undefined,
    '',
    '*/*',
    'text/*',
    'text/event-stream',
    'TEXT/Event-Stream; q=0.1',
    'application/json, text/event-stream;q=0.5',
  ]
  const refused = [
    'application/json',
    'text/html,application/xhtml+xml',
    'text/event-stream;q=0',
    'text/event-stream; Q = 0.000, */*',
    '*/*, text/*;q=0.0',
    '*/*;q=0',
  ]
  for (const accept of [...taken, '*/*;q=0, text/*', 'text/*;q=0, text/event-stream;q=0.001'])
    expect(acceptsEventStream(accept), accept).toBe(true)
  for (const accept of refused) expect(acceptsEventStream(accept), accept).toBe(false)
})
