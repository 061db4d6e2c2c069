import type { RedisStreamsEvent } from './redis-streams/options.ts'
import type { SqsEvent } from './sqs/sqs-events.ts'

/** An event in words; see EventLine of @urna/runtime. `error` is for what somebody must act upon. */
export interface QueueEventLine {
  readonly kind: string
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>>
  readonly often?: boolean
}

export function redisEventLine(event: RedisStreamsEvent): QueueEventLine {
  const { kind } = event
  switch (kind) {
    case 'settings':
      // Managed servers do not tell theirs: somebody should look once, and cannot do more.
      return { kind, level: event.value === null ? 'warn' : 'error', message: event.message, fields: { setting: event.setting } }
    case 'refused':
      return { kind, level: 'error', message: event.message }
    case 'wiped':
      return {
        kind,
        // Whoever noticed it first has said so.
        level: event.missing === 'another' ? 'warn' : 'error',
        message:
          event.missing === 'another'
            ? 'the queue was made anew by another process'
            : 'the queue was wiped, in part or whole: ballots that were accepted into it and not counted are lost; their receipts say so',
        fields: { stream: event.stream, missing: event.missing },
      }
    case 'epoch':
      return {
        kind,
        level: 'info',
        message: event.previous === null ? 'the epoch of the queue is known' : 'the queue has a new epoch',
        fields: { epoch: event.epoch, previous: event.previous },
      }
    case 'removed':
      return {
        kind,
        level: 'error',
        message: 'somebody else removed entries from the queue: those that were not counted yet are lost',
        fields: { stream: event.stream, entries: event.entries },
      }
    case 'unusable-entry':
      return {
        kind,
        level: 'error',
        message: 'the queue holds an entry that is none of ours: it is left where it is',
        fields: { stream: event.stream },
        often: true,
      }
    case 'replay-window-cut':
      return {
        kind,
        level: 'warn',
        message: 'the memory of Redis is more than 40 % full: counted ballots are removed earlier than REPLAY_WINDOW_SECONDS says',
        fields: { stream: event.stream, entries: event.entries },
        often: true,
      }
    case 'clock':
      return {
        kind,
        level: 'error',
        message: `the clock of this machine differs from that of Redis by ${Math.round(event.differenceMs / 1_000)} s: set both by NTP`,
        fields: { differenceMs: event.differenceMs },
      }
    case 'connected':
      return { kind, level: 'info', message: 'connected to the queue', fields: { connection: event.role } }
    case 'disconnected':
      return {
        kind,
        level: 'warn',
        message: 'the queue does not answer: it is tried again until it does',
        fields: { connection: event.role, error: event.error.message },
      }
  }
}

export function sqsEventLine(event: SqsEvent): QueueEventLine {
  const { kind } = event
  switch (kind) {
    case 'queue':
      return {
        kind,
        level: event.replaced ? 'error' : 'info',
        message: event.replaced
          ? 'the queue was deleted and made again: ballots that were accepted into the former one and not counted are lost'
          : event.made
            ? 'made the queue'
            : 'found the queue',
        fields: { queue: event.name, epoch: event.epoch },
      }
    case 'attribute':
      return {
        kind,
        level: 'warn',
        message: `the queue's ${event.attribute} is ${event.got}, expected ${event.expected}`,
        fields: { attribute: event.attribute },
      }
    case 'clock':
      return {
        kind,
        level: 'error',
        message: `the clock of this machine is ${Math.round(event.behindMs / 1_000)} s behind that of SQS: set it by NTP`,
        fields: { behindMs: event.behindMs },
      }
    case 'failed':
      return {
        kind,
        level: 'warn',
        message: `SQS failed to ${event.call}: ${event.code}`,
        fields: { call: event.call, code: event.code },
        often: true,
      }
    case 'epoch':
      return {
        kind,
        level: 'error',
        message: 'the queue holds ballots that were meant for the one it replaced: they are counted, an earlier ballot may win over them',
        fields: { expected: event.expected, got: event.got },
        often: true,
      }
  }
}
