import { setTimeout as delay } from 'node:timers/promises'
import type { Message } from '@aws-sdk/client-sqs'
import type { SqsCalls } from '../sqs-calls.ts'

/** How often each thing happens, 0..1. */
export interface Shakiness {
  /** A call fails before SQS heard of it. */
  readonly unheard: number
  /** SQS did it, and its answer is lost. */
  readonly unanswered: number
  /** A batch reaches SQS twice, as when the SDK tries again. */
  readonly sentTwice: number
  /** SQS refuses a message of a batch. */
  readonly refused: number
  /** A message comes later, out of its order. */
  readonly heldBack: number
  /** A message comes once more, whatever became of it. */
  readonly deliveredTwice: number
  /** A delete is confirmed and forgotten. */
  readonly deleteLost: number
  readonly delayMsMax: number
}

/**
 * SQS at its worst, in front of a real one: it duplicates, reorders, delays, refuses and forgets; a FIFO queue too, whose order and single
 * delivery nothing here may rest on.
 */
export class ShakySqs {
  readonly #calls: SqsCalls
  readonly #random: () => number
  readonly #shakiness: Shakiness
  readonly #later: Message[] = []
  /** How often each of them happened. */
  readonly happened: Record<string, number> = {}

  constructor(calls: SqsCalls, random: () => number, shakiness: Shakiness) {
    this.#calls = calls
    this.#random = random
    this.#shakiness = shakiness
  }

  /** Messages that are still to come out of their order. */
  get heldBack(): number {
    return this.#later.length
  }

  readonly sqs: SqsCalls = {
    queueUrl: (name) => this.#calls.queueUrl(name),
    createQueue: (name, attributes) => this.#calls.createQueue(name, attributes),
    attributes: (url) => this.#calls.attributes(url),
    close: () => this.#calls.close(),
    send: (url, entries) =>
      this.#shaken(async () => {
        const refused = entries.filter(() => this.#happens('refused'))
        const taken = entries.filter((entry) => !refused.includes(entry))
        if (taken.length === 0) return { Successful: [], Failed: [] }
        const first = await this.#calls.send(url, taken)
        // The answer to the second try is as good as that to the first.
        const result = this.#happens('sentTwice') ? await this.#calls.send(url, taken) : first
        const Failed = refused.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false }))
        return { Successful: result.Successful, Failed: [...(result.Failed ?? []), ...Failed] }
      }),
    receive: (url, request) =>
      this.#shaken(async () => {
        const came = [...(await this.#calls.receive(url, request))]
        const due = this.#later.splice(0, Math.max(0, request.messagesMax - came.length))
        const now = came.filter((message) => {
          if (this.#happens('deliveredTwice')) this.#later.push(message)
          if (!this.#happens('heldBack')) return true
          this.#later.push(message)
          return false
        })
        return this.#shuffled([...now, ...due])
      }),
    delete: (url, entries) =>
      this.#shaken(async () => {
        const refused = entries.filter(() => this.#happens('refused'))
        const forgotten = entries.filter((entry) => !refused.includes(entry) && this.#happens('deleteLost'))
        const taken = entries.filter((entry) => !refused.includes(entry) && !forgotten.includes(entry))
        const { Successful = [], Failed = [] } = taken.length === 0 ? {} : await this.#calls.delete(url, taken)
        return {
          Successful: [...Successful, ...forgotten.map(({ Id }) => ({ Id }))],
          Failed: [...Failed, ...refused.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false }))],
        }
      }),
    changeVisibility: (url, entries) => this.#shaken(() => this.#calls.changeVisibility(url, entries)),
  }

  async #shaken<Value>(call: () => Promise<Value>): Promise<Value> {
    await delay(this.#random() * this.#shakiness.delayMsMax)
    if (this.#happens('unheard')) throw new Error('shaken: not heard')
    const value = await call()
    await delay(this.#random() * this.#shakiness.delayMsMax)
    if (this.#happens('unanswered')) throw new Error('shaken: not answered')
    return value
  }

  #happens(what: Exclude<keyof Shakiness, 'delayMsMax'>): boolean {
    if (this.#random() >= this.#shakiness[what]) return false
    this.happened[what] = (this.happened[what] ?? 0) + 1
    return true
  }

  #shuffled<Value>(values: Value[]): Value[] {
    for (let last = values.length - 1; last > 0; last--) {
      const other = Math.floor(this.#random() * (last + 1))
      ;[values[last], values[other]] = [values[other] as Value, values[last] as Value]
    }
    return values
  }
}

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
