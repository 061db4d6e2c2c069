import type { Answer } from '../../support/client.ts'

interface Noted {
  count: number
  readonly firstMs: number
  lastMs: number
}

/** What was said in one round, each different thing once: how often, and from when to when since something was taken away. */
export class Notes {
  readonly #bySubject = new Map<string, Map<string, Noted>>()
  #sinceMs = performance.now()

  /** From here on the times of this round count. */
  beginOutage(): void {
    this.#sinceMs = performance.now()
  }

  note(subject: string, text: string): void {
    const atMs = performance.now()
    const texts = this.#bySubject.get(subject) ?? new Map<string, Noted>()
    this.#bySubject.set(subject, texts)
    const known = texts.get(text)
    if (known === undefined) texts.set(text, { count: 1, firstMs: atMs, lastMs: atMs })
    else {
      known.count++
      known.lastMs = atMs
    }
  }

  /** Every different thing that was said of the subject. */
  texts(subject: string): string[] {
    return [...(this.#bySubject.get(subject)?.keys() ?? [])]
  }

  count(subject: string, text: string | RegExp): number {
    const texts = [...(this.#bySubject.get(subject) ?? [])]
    return texts.reduce((sum, [said, { count }]) => sum + ((typeof text === 'string' ? said === text : text.test(said)) ? count : 0), 0)
  }

  /** One line for each, for a person. */
  lines(subject: string): string[] {
    const seconds = (ms: number) => ((ms - this.#sinceMs) / 1_000).toFixed(1)
    return [...(this.#bySubject.get(subject) ?? [])].map(
      ([text, { count, firstMs, lastMs }]) => `${text}   (${count} times, ${seconds(firstMs)} s to ${seconds(lastMs)} s)`,
    )
  }
}

/** An answer in words: its status, and of a problem its type, title and detail. Retry-After is judged elsewhere: it is random. */
export function inWords({ status, headers, text }: Answer): string {
  if (!String(headers['content-type']).includes('problem+json')) return String(status)
  const { type, title, detail } = JSON.parse(text) as { type: string; title: string; detail?: string }
  return `${status} ${type}: "${title}${detail === undefined ? '' : `. ${detail}`}"`
}

/** What a refusal must look like, so that whoever gets it knows what to do; null: it does. */
export function faultOfRefusal({ status, headers }: Answer): string | null {
  if (status !== 503) return `a status other than 202 and 503: ${status}`
  if (!/^[1-5]$/.test(String(headers['retry-after']))) return `a 503 with Retry-After ${headers['retry-after']}`
  if (!String(headers['content-type']).includes('application/problem+json')) return `a 503 of type ${headers['content-type']}`
  return null
}
