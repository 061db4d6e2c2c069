import { describe, expect, it } from 'vitest'
import { describePair, type PairSeen } from './replication-report.ts'
import type { ReplicaState } from './replication-server.ts'

const state: ReplicaState = {
  sourceHost: 'db',
  sourcePort: 3306,
  user: 'replication',
  byGtid: true,
  isEncrypted: true,
  receiver: 'running',
  receiverError: null,
  applier: 'running',
  applierError: null,
  lagSeconds: 0,
  delaySeconds: 0,
}

function described(changes: Partial<ReplicaState> | null = {}, more: { replica?: object; primary?: object } = {}): Record<string, unknown> {
  const server = { product: 'MariaDB', version: '10.11.6', serverId: 1, position: '0-1-7' } as const
  const seen: PairSeen = {
    sourceAddress: 'db:3306',
    primary: { ...server, semiSync: { waitPoint: 'AFTER_SYNC', confirmingReplicas: 1 }, ...more.primary },
    replica: {
      ...server,
      serverId: 2,
      address: 'replica:3306',
      isReadOnly: true,
      state: changes === null ? null : { ...state, ...changes },
      ...more.replica,
    },
  }
  const { runs, lines } = describePair(seen)
  return { runs, ...Object.fromEntries(lines) }
}

describe('the report on replication', () => {
  it('names both servers, both threads, what each has, and the lag', () => {
    expect(described()).toEqual({
      runs: true,
      source: 'db:3306, MariaDB 10.11.6, server_id 1',
      replica: 'replica:3306, MariaDB 10.11.6, server_id 2, read-only',
      receiver: 'running',
      applier: 'running',
      encrypted: 'yes',
      'GTID source': '0-1-7',
      'GTID replica': '0-1-7',
      lag: '0 s',
      'semi-sync': 'on: a commit waits up to 1 s until the replica has it (AFTER_SYNC)',
    })
  })

  it('does not call it running while one thread does not, and says why', () => {
    const error = { number: 1236, text: 'the logs are gone' }
    expect(described({ receiver: 'stopped', receiverError: error, lagSeconds: null })).toMatchObject({
      runs: false,
      receiver: 'stopped, 1236: the logs are gone',
      lag: 'not known',
    })
    expect(described({ receiver: 'connecting' })).toMatchObject({ runs: false, receiver: 'connecting' })
    expect(described({ applier: 'stopped' })).toMatchObject({ runs: false, applier: 'stopped' })
    const key = { number: 1062, text: "Duplicate entry 'planted-key' for key 'PRIMARY'" }
    expect(described({ applier: 'stopped', applierError: key }).applier).toBe("stopped, 1062: Duplicate entry '...' for key 'PRIMARY'")
    expect(described(null)).toMatchObject({ runs: false, receiver: 'not there', applier: 'not there', lag: 'not known', encrypted: 'no' })
  })

  it('does not promise what is not so', () => {
    const nobody = { primary: { semiSync: { waitPoint: 'AFTER_SYNC', confirmingReplicas: 0 } } }
    expect(described({}, nobody)['semi-sync']).toBe('off: the replica does not confirm what it has')
    expect(described({}, { primary: { semiSync: null } })['semi-sync']).toBe('this server has none')
    expect(described({}, { primary: { semiSync: { waitPoint: 'AFTER_COMMIT', confirmingReplicas: 1 } } })['semi-sync']).toMatch(
      /\(AFTER_COMMIT\)$/,
    )
    expect(described({}, { replica: { isReadOnly: false } }).replica).toMatch(/, TAKES WRITES$/)
    expect(described({}, { replica: { position: '' } })['GTID replica']).toBe('none yet')
  })
})
