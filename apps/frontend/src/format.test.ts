import { afterEach, describe, expect, test, vi } from 'vitest'
import { createFormat } from './format.ts'
import { locales } from './texts/index.ts'

afterEach(() => vi.unstubAllEnvs())

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** With the spaces that keep a number and its unit on one line as plain ones. */
function plain(text: string): string {
  return text.replace(/[\u00a0\u202f]/g, ' ')
}

describe.each([
  ['en', '1,234,567', ['0.0%', '33.3%', '66.7%', '100.0%']],
  ['pt-BR', '1.234.567', ['0,0%', '33,3%', '66,7%', '100,0%']],
] as const)('numbers in %s', (language, million, percents) => {
  const format = createFormat(locales[language])

  test('whole numbers are grouped, percents have one decimal', () => {
    expect([0, 999, 1_234_567].map(format.number)).toEqual(['0', '999', million])
    expect([0, 33.3, 66.66, 100].map(format.percent)).toEqual(percents)
  })
})

const durations: [number, string, string][] = [
  [0, '0 seconds', '0 segundo'],
  [-5 * second, '0 seconds', '0 segundo'],
  [1, '1 second', '1 segundo'],
  [58.4 * second, '59 seconds', '59 segundos'],
  [59.4 * second, '1 minute', '1 minuto'], // rounded up: a poll with time left never shows none
  [61 * second, '1 minute 1 second', '1 minuto 1 segundo'],
  [hour - 1, '1 hour', '1 hora'],
  [hour + 61 * second, '1 hour 1 minute', '1 hora 1 minuto'],
  [25 * hour, '1 day 1 hour', '1 dia 1 hora'],
  [47 * hour + 59 * minute, '1 day 23 hours', '1 dia 23 horas'],
  [31 * day, '31 days', '31 dias'],
]
test.each(durations)('%d ms are %s, %s', (milliseconds, english, portuguese) => {
  expect(plain(createFormat(locales.en).duration(milliseconds))).toBe(english)
  expect(plain(createFormat(locales['pt-BR']).duration(milliseconds))).toBe(portuguese)
})

// 23:30:07 in UTC is 20:30:07 of that day in São Paulo, and 08:30:07 of the next in Tokyo.
const then = '2026-11-21T23:30:07.000Z'
const times = [
  ['America/Sao_Paulo', 'en', '2026-11-22T02:59:59Z', '20:30:07', '21 November 2026 at 20:30'],
  ['America/Sao_Paulo', 'en', '2026-11-22T03:00:00Z', '21 November 2026, 20:30:07', '21 November 2026 at 20:30'],
  ['America/Sao_Paulo', 'pt-BR', '2026-11-22T02:59:59Z', '20:30:07', '21 de novembro de 2026 às 20:30'],
  ['America/Sao_Paulo', 'pt-BR', '2026-11-22T03:00:00Z', '21 de novembro de 2026, 20:30:07', '21 de novembro de 2026 às 20:30'],
  ['Asia/Tokyo', 'en', '2026-11-22T02:59:59Z', '08:30:07', '22 November 2026 at 08:30'],
  ['Asia/Tokyo', 'en', '2026-11-21T14:59:59Z', '22 November 2026, 08:30:07', '22 November 2026 at 08:30'],
  ['UTC', 'pt-BR', '2026-11-21T00:00:00Z', '23:30:07', '21 de novembro de 2026 às 23:30'],
] as const
test.each(times)('in %s, in %s, when it is %s: %s, %s', (zone, language, now, clock, instant) => {
  vi.stubEnv('TZ', zone)
  const format = createFormat(locales[language])
  expect(plain(format.clock(then, new Date(now)))).toBe(clock)
  expect(plain(format.instant(then))).toBe(instant)
})

test('midnight is 00:00:00, not 24:00:00', () => {
  vi.stubEnv('TZ', 'UTC')
  for (const locale of Object.values(locales))
    expect(createFormat(locale).clock('2026-11-21T00:00:00Z', new Date('2026-11-21T12:00:00Z'))).toBe('00:00:00')
})
