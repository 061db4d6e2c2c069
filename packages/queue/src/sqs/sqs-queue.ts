import type { BallotPublisher, BallotQueueMaintenance } from '@urna/core'
import type { QueueClock } from './queue-clock.ts'
import { type SqsAddress, type SqsCalls, sqsCalls } from './sqs-calls.ts'
import { SqsConnection } from './sqs-connection.ts'
import type { SqsEvent } from './sqs-events.ts'
import { SqsMaintenance } from './sqs-maintenance.ts'
import { SqsPublisher, type SqsPublisherOptions } from './sqs-publisher.ts'
import { SqsSubscriber } from './sqs-subscriber.ts'

export interface SqsQueueOptions extends Partial<SqsAddress> {
  /** A FIFO queue where it ends in `.fifo`, else a standard one. */
  readonly queueName: string
  readonly registerEpoch: (identity: Uint8Array) => Promise<number>
  readonly onEvent: (event: SqsEvent) => void
  /** What a call to SQS may take; one that waits for messages may take that much longer. */
  readonly callMsMax?: number
  readonly abandonedAfterMs?: number
  /** How long the queue must have been empty until what was accepted before is called counted. */
  readonly quietMs?: number
  /** For tests: a decorator around the calls to SQS. */
  readonly around?: (calls: SqsCalls) => SqsCalls
  readonly clock?: QueueClock
}

export interface SqsQueue {
  readonly maintenance: BallotQueueMaintenance
  /** The epoch of the queue as it is now. Makes the queue if there is none. */
  epoch(): Promise<number>
  publisher(options?: SqsPublisherOptions): BallotPublisher
  subscribe(): SqsSubscriber
  /** After the publishers and subscribers. */
  close(): void
}

/** Connects to a queue of SQS. Nothing is asked of SQS before the first use. */
export function connectToSqs(options: SqsQueueOptions): SqsQueue {
  const { queueName, registerEpoch, onEvent, around = (calls) => calls } = options
  const address = { region: options.region ?? null, endpoint: options.endpoint ?? null, credentials: options.credentials ?? null }
  const connection = new SqsConnection({
    queueName,
    registerEpoch,
    onEvent,
    calls: (clock) => around(sqsCalls(address, clock, options.callMsMax ?? 2_000)),
    ...(options.clock !== undefined && { clock: options.clock }),
  })
  return {
    maintenance: new SqsMaintenance(connection, { quietMs: options.quietMs ?? 300_000 }),
    epoch: async () => (await connection.place()).epoch,
    publisher: (publisherOptions) => new SqsPublisher(connection, publisherOptions),
    subscribe: () => new SqsSubscriber(connection, { abandonedAfterMs: options.abandonedAfterMs ?? 30_000 }),
    close: () => connection.close(),
  }
}
