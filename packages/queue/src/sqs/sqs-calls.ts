import {
  ChangeMessageVisibilityBatchCommand,
  type ChangeMessageVisibilityBatchRequestEntry,
  type ChangeMessageVisibilityBatchResult,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  type DeleteMessageBatchRequestEntry,
  type DeleteMessageBatchResult,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SendMessageBatchResult,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { QueueClock } from './queue-clock.ts'

export interface SqsAddress {
  /** Null: as the SDK finds it (AWS_REGION, the configuration file). */
  readonly region: string | null
  /** Null: AWS. */
  readonly endpoint: string | null
  /** Null: the SDK's own chain of roles and keys. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null
}

export interface ReceiveRequest {
  readonly messagesMax: number
  readonly waitSeconds: number
  readonly visibilitySeconds: number
}

/** The calls of SQS that are used, each ending in bounded time. Tests put one of their own in between. */
export interface SqsCalls {
  /** Throws QueueDoesNotExist, as all calls with a url do. */
  queueUrl(name: string): Promise<string>
  createQueue(name: string, attributes: Readonly<Record<string, string>>): Promise<string>
  attributes(url: string): Promise<Readonly<Record<string, string>>>
  send(url: string, entries: readonly SendMessageBatchRequestEntry[]): Promise<SendMessageBatchResult>
  receive(url: string, request: ReceiveRequest): Promise<readonly Message[]>
  delete(url: string, entries: readonly DeleteMessageBatchRequestEntry[]): Promise<DeleteMessageBatchResult>
  changeVisibility(url: string, entries: readonly ChangeMessageVisibilityBatchRequestEntry[]): Promise<ChangeMessageVisibilityBatchResult>
  close(): void
}

const connectMsMax = 1_000
/** The SDK repeats a call that failed quickly; both tries share the call's time. */
const attemptsMax = 2
// 64 batches to send, and as many receives as a consumer has under way, and what else there is.
const socketsMax = 256

/** A call that is not answered within `callMsMax` has an unknown outcome. */
export function sqsCalls(address: SqsAddress, clock: QueueClock, callMsMax: number): SqsCalls {
  const client = new SQSClient({
    ...(address.region !== null && { region: address.region }),
    ...(address.endpoint !== null && { endpoint: address.endpoint }),
    ...(address.credentials !== null && { credentials: address.credentials }),
    maxAttempts: attemptsMax,
    requestHandler: {
      connectionTimeout: connectMsMax,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: socketsMax },
      httpsAgent: { keepAlive: true, maxSockets: socketsMax },
    },
  })
  observeDates(client, clock)
  const within = (timeoutMs = callMsMax) => ({ abortSignal: AbortSignal.timeout(timeoutMs), requestTimeout: timeoutMs })

  return {
    async queueUrl(name) {
      const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }), within())
      return assertGiven(QueueUrl, 'QueueUrl')
    },
    async createQueue(name, attributes) {
      const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: { ...attributes } }), within())
      return assertGiven(QueueUrl, 'QueueUrl')
    },
    async attributes(url) {
      const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }), within())
      return assertGiven(Attributes, 'Attributes')
    },
    send: (url, entries) => client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [...entries] }), within()),
    async receive(url, { messagesMax, waitSeconds, visibilitySeconds }) {
      const command = new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: messagesMax,
        WaitTimeSeconds: waitSeconds,
        VisibilityTimeout: visibilitySeconds,
        MessageSystemAttributeNames: ['SentTimestamp', 'SequenceNumber', 'MessageGroupId'],
        MessageAttributeNames: ['All'],
      })
      const { Messages } = await client.send(command, within(waitSeconds * 1_000 + callMsMax))
      return Messages ?? []
    },
    delete: (url, entries) => client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: [...entries] }), within()),
    changeVisibility: (url, entries) =>
      client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: url, Entries: [...entries] }), within()),
    close: () => client.destroy(),
  }
}

export function isQueueMissing(error: unknown): boolean {
  return error instanceof QueueDoesNotExist || (error as Error).name === 'AWS.SimpleQueueService.NonExistentQueue'
}

/** The name of what went wrong: never its message, which may quote what was sent. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown'
}

/** Every attempt's answer says what time it is there. */
function observeDates(client: SQSClient, clock: QueueClock): void {
  client.middlewareStack.add(
    (next) => async (parameters) => {
      const sentAtMs = clock.monotonicMs()
      const result = await next(parameters)
      const { headers } = result.response as { headers?: Record<string, string> }
      if (headers?.date !== undefined) clock.observe(Date.parse(headers.date), sentAtMs, clock.monotonicMs())
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'observeDates' },
  )
}

function assertGiven<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`SQS answered without ${name}`)
  return value
}
