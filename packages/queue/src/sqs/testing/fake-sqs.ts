import {
  type Message,
  QueueDoesNotExist,
  type SendMessageBatchRequestEntry,
  type SendMessageBatchResult,
  type SendMessageBatchResultEntry,
} from '@aws-sdk/client-sqs'
import { attributesOfNewQueue } from '../queue-attributes.ts'
import { QueueClock } from '../queue-clock.ts'
import type { SqsCalls } from '../sqs-calls.ts'
import { SqsConnection } from '../sqs-connection.ts'
import type { SqsEvent } from '../sqs-events.ts'

/** A batch on its way to the queue. */
export interface FakeSend {
  readonly entries: readonly SendMessageBatchRequestEntry[]
  /** The queue takes it, but for the entries of these indexes. */
  answer(refused?: readonly number[]): void
  fail(error: Error): void
}

/** What SQS says to a connection and a publisher, as a test has it. No messages are kept. */
export class FakeSqs {
  /** Null: there is no such queue. */
  queue: Record<string, string> | null = null
  readonly calls: string[] = []
  /** Batches that are not answered yet; only where `holds`. */
  readonly pending: FakeSend[] = []
  readonly sent: SendMessageBatchRequestEntry[] = []
  /** Answers nothing by itself. */
  holds = false
  /** Set it to let every call fail. */
  failure: Error | null = null
  #sequence = 0

  make(name: string, more: Record<string, string> = {}): void {
    this.queue = {
      ...attributesOfNewQueue(name.endsWith('.fifo') ? 'fifo' : 'standard'),
      MaximumMessageSize: '262144',
      DelaySeconds: '0',
      QueueArn: `arn:aws:sqs:here:1:${name}`,
      CreatedTimestamp: '1000',
      ...this.counts(0),
      ...more,
    }
  }

  counts(visible: number, hidden = 0, delayed = 0): Record<string, string> {
    return {
      ApproximateNumberOfMessages: String(visible),
      ApproximateNumberOfMessagesNotVisible: String(hidden),
      ApproximateNumberOfMessagesDelayed: String(delayed),
    }
  }

  readonly sqs: SqsCalls = {
    queueUrl: async (name) => {
      this.#call('queueUrl')
      this.#existing()
      return `https://sqs.here/1/${name}`
    },
    createQueue: async (name, attributes) => {
      this.#call('createQueue')
      this.make(name, attributes)
      return `https://sqs.here/1/${name}`
    },
    attributes: async () => {
      this.#call('attributes')
      return { ...this.#existing() }
    },
    send: (_url, entries) => {
      this.#call('send')
      this.#existing()
      return this.#send(entries)
    },
    receive: async (): Promise<Message[]> => [],
    delete: async () => ({ Successful: [], Failed: [] }),
    changeVisibility: async () => ({ Successful: [], Failed: [] }),
    close: () => {},
  }

  #call(name: string): void {
    this.calls.push(name)
    if (this.failure !== null) throw this.failure
  }

  #existing(): Record<string, string> {
    if (this.queue === null) throw new QueueDoesNotExist({ message: 'no such queue', $metadata: {} })
    return this.queue
  }

  #send(entries: readonly SendMessageBatchRequestEntry[]): Promise<SendMessageBatchResult> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        const index = this.pending.indexOf(send)
        if (index >= 0) this.pending.splice(index, 1)
      }
      const send: FakeSend = {
        entries,
        answer: (refused = []) => {
          settle()
          const taken = entries.filter((_entry, index) => !refused.includes(index))
          this.sent.push(...taken)
          resolve({
            Successful: taken.map((entry) => this.#taken(entry)),
            Failed: refused.map((index) => ({ Id: entries[index]?.Id, Code: 'InternalError', SenderFault: false })),
          })
        },
        fail: (error) => {
          settle()
          reject(error)
        },
      }
      this.pending.push(send)
      if (!this.holds) send.answer()
    })
  }

  #taken({ Id, MessageGroupId }: SendMessageBatchRequestEntry): SendMessageBatchResultEntry {
    const numbered = MessageGroupId === undefined ? {} : { SequenceNumber: String(++this.#sequence).padStart(20, '0') }
    return { Id, MessageId: `message-${this.sent.length}`, MD5OfMessageBody: '', ...numbered }
  }
}

/** Time that a test moves: both clocks of a machine, and what the queue says. */
export class FakeTime {
  monotonicMs = 5_000
  wallMs = 1_700_000_000_000
  readonly clock = new QueueClock(
    () => this.monotonicMs,
    () => this.wallMs,
  )

  pass(ms: number): void {
    this.monotonicMs += ms
    this.wallMs += ms
  }
}

export function fakeConnection(options: { queueName?: string; registerEpoch?: (identity: Uint8Array) => Promise<number> } = {}) {
  const fake = new FakeSqs()
  const time = new FakeTime()
  const events: SqsEvent[] = []
  const identities: string[] = []
  const connection = new SqsConnection({
    queueName: options.queueName ?? 'voting.fifo',
    clock: time.clock,
    calls: () => fake.sqs,
    onEvent: (event) => events.push(event),
    registerEpoch:
      options.registerEpoch ??
      (async (identity) => {
        const text = Buffer.from(identity).toString('hex')
        if (!identities.includes(text)) identities.push(text)
        return identities.indexOf(text) + 1
      }),
  })
  return { fake, time, events, identities, connection }
}

/** A turn of the event loop, and what it leads to. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}
