/** A line of a process' log, for a person: the JSON that our processes write without what is the same in every line. */
export function readable(line: string): string {
  if (!line.startsWith('{')) return line
  let fields: Record<string, unknown>
  try {
    fields = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const { level, time, service: _service, version: _version, stack: _stack, msg, err, ...rest } = fields
  if (typeof msg !== 'string') return line
  const more = Object.entries(rest).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const error = (err as { message?: string } | undefined)?.message
  return [
    String(time ?? '').slice(11, 19),
    level === 'info' ? '' : String(level).toUpperCase(),
    msg,
    ...(more.length === 0 ? [] : [`(${more.join(', ')})`]),
    ...(error === undefined ? [] : [`: ${error}`]),
  ]
    .filter((part) => part !== '')
    .join(' ')
}
