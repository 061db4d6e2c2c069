/** The id of a stream's entry, `<ms>-<n>`: the queue's time, and the number in that millisecond. */
export interface StreamId {
  readonly ms: number
  readonly n: number
}

/** Parts beyond what a number holds come out inexact, but too great for a sequence all the same, which then refuses them. */
export function parseStreamId(text: string): StreamId {
  const match = /^(\d+)-(\d+)$/.exec(text)
  if (match === null) throw new Error(`expected the id of a stream's entry, got ${JSON.stringify(text)}`)
  return { ms: Number(match[1]), n: Number(match[2]) }
}

export function formatStreamId({ ms, n }: StreamId): string {
  return `${ms}-${n}`
}

/** The greatest id below this one. */
export function idBefore({ ms, n }: StreamId): string {
  if (n > 0) return formatStreamId({ ms, n: n - 1 })
  return ms > 0 ? `${ms - 1}-18446744073709551615` : '0-0'
}
