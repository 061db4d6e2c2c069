import type { Message } from '@aws-sdk/client-sqs'
import { type BallotSubscriber, type Delivery, QueueUnavailableError, type ReceiveLimits } from '@urna/core'
import { toDelivery } from './ballot-message.ts'
import type { SqsConnection, SqsPlace } from './sqs-connection.ts'

/** SQS's own limits. */
const messagesMax = 10
const waitSecondsMax = 20

/** Calls under way at a time. */
const receivesMax = 16
const batchesMax = 32
const deleteTriesMax = 3

interface Held {
  readonly handle: string
  readonly place: SqsPlace
  readonly sinceMs: number
}

export interface SqsSubscriberOptions {
  /** A message whose holder is not heard of for so long is given to another. SQS counts in seconds. */
  readonly abandonedAfterMs: number
}

/**
 * A consumer's end. SQS knows no consumers: a message is hidden from all others for as long as its holder says that it works on it, and
 * comes again when the holder is silent. Held messages are kept hidden until they are acked, however long the database is away.
 */
export class SqsSubscriber implements BallotSubscriber {
  readonly #connection: SqsConnection
  readonly #visibilitySeconds: number
  readonly #held = new Map<string, Held>()
  readonly #heartbeat: NodeJS.Timeout
  #extending = false
  #lastToldEpoch = 0
  #closed = false

  constructor(connection: SqsConnection, options: SqsSubscriberOptions) {
    this.#connection = connection
    this.#visibilitySeconds = Math.min(Math.max(1, Math.ceil(options.abandonedAfterMs / 1_000)), 43_200)
    this.#heartbeat = setInterval(() => this.#extend(), (this.#visibilitySeconds * 1_000) / 3)
    this.#heartbeat.unref()
  }

  /**
   * One question waits for the first message; while there are more, several go on asking. `waitMs` is rounded up to SQS's seconds; with 0,
   * SQS asks only some of its servers, and may say that there is nothing although there is.
   */
  async receive(limits: ReceiveLimits): Promise<Delivery[]> {
    if (this.#closed) throw new QueueUnavailableError('the subscriber is closed')
    await this.#letGoOfForgotten()
    const waitSeconds = Math.min(Math.ceil(limits.waitMs / 1_000), waitSecondsMax)
    try {
      return await this.#connection.withPlace(async (place) => {
        const filling = new Filling(limits)
        if (!(await this.#receiveOnce(place, filling, waitSeconds))) return filling.deliveries
        const more = Math.min(receivesMax, Math.ceil(filling.messagesLeft / messagesMax))
        await Promise.all(Array.from({ length: more }, () => this.#receiveWhileThereAre(place, filling)))
        return filling.deliveries
      })
    } catch (cause) {
      this.#connection.tellFailed('receive', 0, cause)
      throw new QueueUnavailableError('the ballot queue gave nothing', { cause })
    }
  }

  /** A message that cannot be deleted comes again, and changes nothing. */
  async ack(deliveries: readonly Delivery[]): Promise<void> {
    const handles = deliveries.map(({ id }) => id)
    // From here on nobody keeps them hidden: if the deletion fails for good, they are delivered again.
    const place = handles.map((handle) => this.#held.get(handle)?.place).find((known) => known !== undefined)
    for (const handle of handles) this.#held.delete(handle)
    if (handles.length === 0) return
    const failures: unknown[] = []
    await inParallel(chunksOf(handles), async (chunk) => {
      try {
        await this.#delete(chunk, place)
      } catch (error) {
        this.#connection.tellFailed('delete', chunk.length, error)
        failures.push(error)
      }
    })
    if (failures.length > 0) throw new QueueUnavailableError('the ballot queue did not take an ack', { cause: failures[0] })
  }

  /** What is held is free for others at once. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.abandon()
    const held = [...this.#held.values()]
    this.#held.clear()
    await this.#changeVisibility(held, 0).catch(() => {})
  }

  /** Falls silent, as a process does that is killed. */
  abandon(): void {
    this.#closed = true
    clearInterval(this.#heartbeat)
  }

  async #receiveWhileThereAre(place: SqsPlace, filling: Filling): Promise<void> {
    try {
      while (await this.#receiveOnce(place, filling, 0));
    } catch (error) {
      // What others received meanwhile is not lost for this; the next call meets the same failure.
      this.#connection.tellFailed('receive', 0, error)
    }
  }

  /** False: there is nothing more, or no room for it. */
  async #receiveOnce(place: SqsPlace, filling: Filling, waitSeconds: number): Promise<boolean> {
    const reserved = filling.reserve()
    if (reserved === 0) return false
    const sinceMs = performance.now()
    let messages: readonly Message[] = []
    try {
      const request = { messagesMax: reserved, waitSeconds, visibilitySeconds: this.#visibilitySeconds }
      messages = await this.#connection.calls.receive(place.url, request)
    } finally {
      filling.giveBack(reserved - messages.length)
    }
    for (const message of messages) {
      const delivery = toDelivery(this.#connection.kind, message, place.epoch, (got) => this.#tellEpoch(place.epoch, got))
      this.#held.set(delivery.id, { handle: delivery.id, place, sinceMs })
      filling.add(delivery, Buffer.byteLength(message.Body ?? ''))
    }
    return messages.length > 0
  }

  /** Once for each: there may be many messages of it. */
  #tellEpoch(expected: number, got: number): void {
    if (this.#lastToldEpoch === got) return
    this.#lastToldEpoch = got
    this.#connection.tell({ kind: 'epoch', expected, got })
  }

  /** Whoever asks for more is done with what it was given long ago, or has forgotten it (a failed ack, say): let others have it. */
  async #letGoOfForgotten(): Promise<void> {
    const before = performance.now() - this.#visibilitySeconds * 1_000
    const forgotten = [...this.#held.values()].filter((held) => held.sinceMs < before)
    for (const { handle } of forgotten) this.#held.delete(handle)
    await this.#changeVisibility(forgotten, 0).catch(() => {})
  }

  #extend(): void {
    if (this.#extending || this.#held.size === 0) return
    this.#extending = true
    this.#changeVisibility([...this.#held.values()], this.#visibilitySeconds)
      .catch(() => {})
      .finally(() => {
        this.#extending = false
      })
  }

  async #changeVisibility(held: readonly Held[], seconds: number): Promise<void> {
    const { calls } = this.#connection
    const change = async (chunk: readonly Held[], { url }: SqsPlace) => {
      const entries = chunk.map(({ handle }, index) => ({ Id: String(index), ReceiptHandle: handle, VisibilityTimeout: seconds }))
      try {
        const { Failed = [] } = await calls.changeVisibility(url, entries)
        for (const { Id, Code } of Failed) {
          // Its time was over: somebody else has it. Acked meanwhile, it is nothing to tell.
          if (this.#held.delete(chunk[Number(Id)]?.handle ?? '')) this.#connection.tellFailed('visibility', 1, Code ?? 'unknown')
        }
      } catch (error) {
        this.#connection.tellFailed('visibility', chunk.length, error)
      }
    }
    const places = new Set(held.map(({ place }) => place))
    for (const place of places) {
      const chunks = chunksOf(held.filter((each) => each.place === place))
      await inParallel(chunks, (chunk) => change(chunk, place))
    }
  }

  async #delete(handles: readonly string[], place: SqsPlace | undefined): Promise<void> {
    let left = handles
    for (let tries = 1; left.length > 0; tries++) {
      const batch = left
      const entries = batch.map((handle, index) => ({ Id: String(index), ReceiptHandle: handle }))
      const { url } = place ?? (await this.#connection.place())
      const { Failed = [] } = await this.#connection.calls.delete(url, entries)
      for (const { Code } of Failed) this.#connection.tellFailed('delete', 1, Code ?? 'unknown')
      if (tries === deleteTriesMax) return
      // A fault of the sender (its time was over) would be one again.
      left = Failed.filter(({ SenderFault }) => SenderFault !== true).map(({ Id }) => batch[Number(Id)] ?? '')
    }
  }
}

/** Deliveries up to the limits, with room set aside for what is under way. */
class Filling {
  readonly deliveries: Delivery[] = []
  readonly #bytesMax: number
  messagesLeft: number
  #bytes = 0
  #largest = 0
  #underWay = 0

  constructor(limits: ReceiveLimits) {
    this.messagesLeft = limits.ballotsMax
    this.#bytesMax = limits.bytesMax
  }

  /** How many messages may be asked for now. Those under way are taken to be as large as the largest so far. */
  reserve(): number {
    if (this.#bytes + this.#underWay * this.#largest >= this.#bytesMax) return 0
    const messages = Math.min(messagesMax, this.messagesLeft)
    this.messagesLeft -= messages
    this.#underWay += messages
    return messages
  }

  /** Room for messages that did not come. */
  giveBack(messages: number): void {
    this.messagesLeft += messages
    this.#underWay -= messages
  }

  add(delivery: Delivery, bytes: number): void {
    this.#underWay--
    this.#bytes += bytes
    this.#largest = Math.max(this.#largest, bytes)
    this.deliveries.push(delivery)
  }
}

async function inParallel<Value>(values: readonly Value[], work: (value: Value) => Promise<void>): Promise<void> {
  const left = values[Symbol.iterator]()
  const worker = async () => {
    for (const value of left) await work(value)
  }
  await Promise.all(Array.from({ length: Math.min(batchesMax, values.length) }, worker))
}

function chunksOf<Value>(values: readonly Value[]): Value[][] {
  return Array.from({ length: Math.ceil(values.length / messagesMax) }, (_, index) =>
    values.slice(index * messagesMax, (index + 1) * messagesMax),
  )
}
