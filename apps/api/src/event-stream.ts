/** Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html): their text, and who takes them. */

/** One event. `data` is one line, as JSON.stringify makes it. */
export function eventText({ event, id, data }: { event: string; id?: string; data: string }): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}

/** What clients skip: keeps proxies from taking a silent stream for a dead one. */
export const keepAliveText = ':\n\n'

/** How long a client waits before it connects again. */
export function retryText(ms: number): string {
  return `retry: ${ms}\n\n`
}

const specificities = new Map([
  ['text/event-stream', 3],
  ['text/*', 2],
  ['*/*', 1],
])

/** Whether an Accept header allows event streams: the most specific range that fits decides; none at all allows everything. */
export function acceptsEventStream(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true
  let best = 0
  let allowed = false
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const specificity = specificities.get(type) ?? 0
    if (specificity <= best) continue
    best = specificity
    allowed = !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter))
  }
  return allowed
}
