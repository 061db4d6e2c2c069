import { locale } from './texts.ts'

const wholeNumber = new Intl.NumberFormat(locale)
const oneDecimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' })
const date = new Intl.DateTimeFormat(locale, { dateStyle: 'long' })
const timeWithSeconds = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

export function formatNumber(value: number): string {
  return wholeNumber.format(value)
}

/** 45.6 -> `45.6%` */
export function formatPercent(percent: number): string {
  return `${oneDecimal.format(percent)}%`
}

/** An ISO 8601 instant as day and time where the reader is. */
export function formatInstant(instant: string): string {
  return dateAndTime.format(new Date(instant))
}

/** An ISO 8601 instant as `20:59:07` where the reader is; with the day in front if it is not today. */
export function formatClock(instant: string, today: Date = new Date()): string {
  const then = new Date(instant)
  const clock = timeWithSeconds.format(then)
  return then.toDateString() === today.toDateString() ? clock : `${date.format(then)}, ${clock}`
}
