/** Instants as fields for date and time have them: `2026-11-21T20:59`, in the browser's time zone. */

export function toField(instant: string | null): string {
  if (instant === null) return ''
  const then = new Date(instant)
  return new Date(then.getTime() - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** The instant in UTC; null where the field is empty or not filled in to the end. */
export function ofField(field: string): string | null {
  const then = new Date(field)
  return field === '' || Number.isNaN(then.getTime()) ? null : then.toISOString()
}

/** `America/Sao_Paulo (GMT-3)`: the zone that the browser's times are in, with its distance at this instant. */
export function zoneName(at: Date = new Date()): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'shortOffset' }).formatToParts(at)
  return `${timeZone} (${parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''})`
}
