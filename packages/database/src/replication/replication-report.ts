import { hideRowValues } from './hide-row-values.ts'
import type { Product, ReplicaState, SemiSyncState } from './replication-server.ts'
import { semiSyncTimeoutMs } from './replication-server.ts'

export interface ReplicationReport {
  /** Both threads run. */
  readonly runs: boolean
  readonly lines: readonly (readonly [name: string, value: string])[]
  /** What was changed; empty: all was well before. */
  readonly changes: readonly string[]
  /** What somebody should do, and replication runs without. */
  readonly advice: readonly string[]
}

interface ServerSeen {
  readonly product: Product
  readonly version: string
  readonly serverId: number
  readonly position: string
}

/** Both servers as they answered when all was done. */
export interface PairSeen {
  /** `host:port`, as the replica reaches it. */
  readonly sourceAddress: string
  readonly primary: ServerSeen & { readonly semiSync: SemiSyncState | null }
  readonly replica: ServerSeen & { readonly address: string; readonly isReadOnly: boolean; readonly state: ReplicaState | null }
}

export function describePair({ sourceAddress, primary, replica }: PairSeen): Pick<ReplicationReport, 'runs' | 'lines'> {
  const { state } = replica
  const server = ({ product, version, serverId }: ServerSeen) => `${product} ${version}, server_id ${serverId}`
  return {
    runs: state?.receiver === 'running' && state.applier === 'running',
    lines: [
      ['source', `${sourceAddress}, ${server(primary)}`],
      ['replica', `${replica.address}, ${server(replica)}, ${replica.isReadOnly ? 'read-only' : 'TAKES WRITES'}`],
      ['receiver', thread(state?.receiver, state?.receiverError)],
      ['applier', thread(state?.applier, state?.applierError)],
      ['encrypted', state?.isEncrypted === true ? 'yes' : 'no'],
      ['GTID source', primary.position || 'none yet'],
      ['GTID replica', replica.position || 'none yet'],
      ['lag', state === null || state.lagSeconds === null ? 'not known' : `${state.lagSeconds} s`],
      ['semi-sync', semiSyncText(primary.semiSync)],
    ],
  }
}

function thread(how: string | undefined, error: ReplicaState['receiverError'] | undefined): string {
  if (how === undefined) return 'not there'
  return error === null || error === undefined ? how : `${how}, ${error.number}: ${hideRowValues(error.text)}`
}

function semiSyncText(semiSync: SemiSyncState | null): string {
  if (semiSync === null) return 'this server has none'
  if (semiSync.confirmingReplicas === 0) return 'off: the replica does not confirm what it has'
  return `on: a commit waits up to ${semiSyncTimeoutMs / 1_000} s until the replica has it (${semiSync.waitPoint})`
}
