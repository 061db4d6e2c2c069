/** Numbers and times as the reader writes them, in the reader's own time zone. */
export interface Format {
  number(value: number): string
  /** 45.6 -> `45.6%` */
  percent(percent: number): string
  /** An ISO 8601 instant as day and time. */
  instant(instant: string): string
  /** The same as short as a list wants it. */
  shortInstant(instant: string): string
  /** An ISO 8601 instant as `20:59:07`; with the day in front if it is not today. */
  clock(instant: string, today?: Date): string
  /** A time span by its two largest units: `2 days 3 hours`, `4 minutes 10 seconds`, `5 hours`. Below zero is zero. */
  duration(milliseconds: number): string
}

const units = [
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3_600 },
  { unit: 'minute', seconds: 60 },
  { unit: 'second', seconds: 1 },
] as const

export function createFormat(locale: string): Format {
  const wholeNumber = new Intl.NumberFormat(locale)
  const oneDecimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 })
  const dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short' })
  const shortDateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' })
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'long' })
  const timeWithSeconds = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  const inUnits = units.map(({ unit, seconds }) => ({
    seconds,
    count: new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }),
  }))

  return {
    number: (value) => wholeNumber.format(value),
    percent: (percent) => `${oneDecimal.format(percent)}%`,
    instant: (instant) => dateAndTime.format(new Date(instant)),
    shortInstant: (instant) => shortDateAndTime.format(new Date(instant)),
    clock(instant, today = new Date()) {
      const then = new Date(instant)
      const clock = timeWithSeconds.format(then)
      return then.toDateString() === today.toDateString() ? clock : `${date.format(then)}, ${clock}`
    },
    duration(milliseconds) {
      let left = Math.max(0, Math.ceil(milliseconds / 1_000))
      const largest = Math.max(
        0,
        inUnits.findIndex(({ seconds }) => seconds <= left),
      )
      const shown = left === 0 ? inUnits.slice(-1) : inUnits.slice(largest, largest + 2)
      return shown
        .map(({ seconds, count }) => {
          const whole = Math.floor(left / seconds)
          left -= whole * seconds
          return { whole, text: count.format(whole) }
        })
        .filter(({ whole }, index) => index === 0 || whole > 0)
        .map(({ text }) => text)
        .join(' ')
    },
  }
}
