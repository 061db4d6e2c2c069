const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

interface Field {
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const seconds: Field = { min: 0, max: 59, names: [] }
const fields: readonly Field[] = [
  { min: 0, max: 59, names: [] }, // minute
  { min: 0, max: 23, names: [] }, // hour
  { min: 1, max: 31, names: [] }, // day of month
  { min: 1, max: 12, names: months },
  { min: 0, max: 7, names: weekdays }, // 0 and 7 are Sunday
]

/**
 * True for the plain part of cron that every scheduler agrees on: five fields, or six with seconds first, of numbers, names, ranges,
 * lists and steps. Checked here, and not by the scheduler, so that a mistake is found with all the others at start, not at midnight.
 */
export function isCronExpression(expression: string): boolean {
  const parts = expression.trim().split(/\s+/)
  const expected = parts.length === 6 ? [seconds, ...fields] : fields
  return parts.length === expected.length && expected.every((field, index) => isField(parts[index] ?? '', field))
}

function isField(part: string, field: Field): boolean {
  return part.split(',').every((item) => {
    const [range = '', step, ...more] = item.split('/')
    if (more.length > 0) return false
    if (step !== undefined && !(/^\d{1,2}$/.test(step) && Number(step) >= 1 && Number(step) <= field.max)) return false
    if (range === '*') return true
    const ends = range.split('-').map((end) => numberOf(end, field))
    const [from, to = from] = ends
    if (ends.length > 2 || ends.includes(undefined) || (from ?? 0) > (to ?? 0)) return false
    // "3/5" means different things to different schedulers.
    return step === undefined || ends.length === 2
  })
}

function numberOf(end: string, field: Field): number | undefined {
  const named = field.names.indexOf(end.toUpperCase())
  if (named >= 0) return named + (field.names === months ? 1 : 0)
  const value = /^\d{1,2}$/.test(end) ? Number(end) : Number.NaN
  return value >= field.min && value <= field.max ? value : undefined
}
