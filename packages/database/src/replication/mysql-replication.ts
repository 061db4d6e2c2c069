import { ServerError } from './admin-connection.ts'
import { hideRowValues } from './hide-row-values.ts'
import {
  isOn,
  type MissingSetting,
  type ReplicaState,
  ReplicationServer,
  reconnectSeconds,
  type SemiSync,
  type SemiSyncState,
  type Source,
  type StartingPoint,
  semiSyncTimeoutMs,
  type ThreadError,
  threadError,
} from './replication-server.ts'

interface StatusRow {
  readonly Channel_Name: string
  readonly Source_Host: string
  readonly Source_Port: number | string
  readonly Source_User: string
  readonly Source_SSL_Allowed: string
  readonly Auto_Position: number | string
  readonly Replica_IO_Running: string
  readonly Replica_SQL_Running: string
  readonly Last_IO_Errno: number | string
  readonly Last_IO_Error: string
  readonly Last_SQL_Errno: number | string
  readonly Last_SQL_Error: string
  readonly Seconds_Behind_Source: number | string | null
  readonly SQL_Delay: number | string
}

const noSuchLibrary = 1126

/** MySQL 8.4 and newer. What it is told with SET PERSIST it keeps by itself. */
export class MysqlReplication extends ReplicationServer {
  override readonly product = 'MySQL'

  override async serverId(): Promise<number> {
    return Number(await this.connection.value('select @@global.server_id'))
  }

  override identity(): Promise<string | null> {
    return this.connection.value('select @@global.server_uuid')
  }

  override async missingSettings(otherServerId: number): Promise<MissingSetting[]> {
    const settings = await this.connection.variables([
      ...['server_id', 'log_bin', 'gtid_mode', 'enforce_gtid_consistency', 'binlog_format', 'binlog_row_image'],
    ])
    const missing: MissingSetting[] = []
    const want = (name: string, wanted: string, isRight: (value: string) => boolean) => {
      const value = settings.get(name)
      // Newer servers have lost settings that have only one value left.
      if (value !== undefined && !isRight(value)) missing.push({ name, value, wanted })
    }
    const id = Number(settings.get('server_id'))
    want('server_id', String(otherServerId + 1), () => id !== 0 && (this.role === 'primary' || id !== otherServerId))
    if (this.role === 'primary') {
      want('log_bin', 'binlog', isOn)
      want('binlog_format', 'ROW', (value) => value === 'ROW')
      want('binlog_row_image', 'FULL', (value) => value === 'FULL')
    }
    want('enforce_gtid_consistency', 'ON', isOn)
    want('gtid_mode', 'ON', isOn)
    return missing
  }

  override async encrypts(): Promise<boolean> {
    // Empty without a certificate.
    const [row] = await this.connection.rows<{ Value: string }>("show global status like 'Ssl_server_not_after'")
    return (row?.Value ?? '') !== ''
  }

  override async position(): Promise<string> {
    return ((await this.connection.value('select @@global.gtid_executed')) ?? '').replaceAll('\n', '')
  }

  override async includes(applied: string, position: string): Promise<boolean> {
    return (await this.connection.value('select gtid_subset(?, ?)', [position, applied])) === '1'
  }

  override async logsBeginAfter(): Promise<string> {
    return ((await this.connection.value('select @@global.gtid_purged')) ?? '').replaceAll('\n', '')
  }

  /** The statements that compare sets of GTIDs run on the replica. */
  override async startingPoint(replica: ReplicationServer): Promise<StartingPoint> {
    const [written, applied] = [await this.position(), await replica.position()]
    const purged = await this.logsBeginAfter()
    const minus = async (left: string, right: string) => (await this.connection.value('select gtid_subtract(?, ?)', [left, right])) ?? ''
    if ((await replica.tables()).size === 0) {
      return purged === '' ? { kind: 'beginning' } : { kind: 'needs-copy', why: `its binary logs begin after ${purged}` }
    }
    const own = await minus(applied, written)
    if (own !== '') return { kind: 'other-data', why: `it has transactions that the primary does not have: ${own}` }
    if (applied === '') return { kind: 'other-data', why: 'it has tables, and no GTID says from where' }
    const lost = await minus(purged, applied)
    return lost === '' ? { kind: 'goes-on' } : { kind: 'needs-copy', why: `its binary logs no longer have ${lost}` }
  }

  override async replicaState(): Promise<ReplicaState | null> {
    const rows = await this.connection.rows<StatusRow>('show replica status')
    if (rows.length > 1) throw new Error(`${this.label} replicates from ${rows.length} servers already`)
    const [row] = rows
    if (row === undefined) return null
    return {
      sourceHost: row.Source_Host,
      sourcePort: Number(row.Source_Port),
      user: row.Source_User,
      byGtid: Number(row.Auto_Position) === 1,
      isEncrypted: row.Source_SSL_Allowed === 'Yes',
      receiver: row.Replica_IO_Running === 'Yes' ? 'running' : row.Replica_IO_Running === 'Connecting' ? 'connecting' : 'stopped',
      receiverError: threadError(row.Last_IO_Errno, row.Last_IO_Error),
      applier: row.Replica_SQL_Running === 'Yes' ? 'running' : 'stopped',
      applierError: await this.#applierError(threadError(row.Last_SQL_Errno, row.Last_SQL_Error)),
      lagSeconds: row.Seconds_Behind_Source === null ? null : Number(row.Seconds_Behind_Source),
      delaySeconds: Number(row.SQL_Delay),
    }
  }

  override async follow({ host, port, user, password, isEncrypted }: Source, from: 'goes-on' | 'beginning'): Promise<void> {
    await this.stopReplica()
    if (from === 'beginning') {
      await this.connection.run('reset replica all')
      if ((await this.position()) !== '') await this.connection.run('reset binary logs and gtids')
    }
    // Without encryption the password is sent under the primary's public key, which must then be asked for. It tries to connect for ever:
    // by default it gives up after ten times.
    await this.connection.run(
      `change replication source to source_host = ?, source_port = ?, source_user = ?, source_password = ?, source_auto_position = 1,
        source_ssl = ${isEncrypted ? 1 : 0}, get_source_public_key = 1, source_connect_retry = ${reconnectSeconds}, source_retry_count = 0`,
      [host, port, user, password],
      { secret: true },
    )
    await this.startReplica()
  }

  override stopReplica(): Promise<void> {
    return this.connection.run('stop replica')
  }

  override startReplica(): Promise<void> {
    return this.connection.run('start replica')
  }

  override async skipTransaction({ text }: ThreadError): Promise<void> {
    const gtid = /transaction '([0-9a-f-]{36}:(?:\w+:)?\d+)'/i.exec(text)?.[1]
    if (gtid === undefined) throw new Error(`${this.label} does not say which transaction it stopped at: ${hideRowValues(text)}`)
    await this.stopReplica()
    await this.connection.run('set session gtid_next = ?', [gtid])
    try {
      await this.connection.run('begin')
      await this.connection.run('commit')
    } finally {
      await this.connection.run("set session gtid_next = 'automatic'")
    }
    await this.startReplica()
  }

  override async isReadOnly(): Promise<boolean> {
    // A primary that lets only administrators write is of no use either; super_read_only sets read_only too.
    const name = this.role === 'primary' ? 'read_only' : 'super_read_only'
    return isOn((await this.connection.variables([name])).get(name))
  }

  override async setReadOnly(readOnly: boolean, connection = this.connection): Promise<void> {
    if (readOnly) await connection.run('set persist super_read_only = on')
    else {
      await connection.run('set global super_read_only = off')
      await connection.run('set global read_only = off')
    }
  }

  override async turnOnSemiSync(): Promise<SemiSync> {
    const here = this.role === 'primary' ? 'source' : 'replica'
    const plugin = `rpl_semi_sync_${here}`
    let changed = false
    if (!(await this.#hasPlugin(plugin))) {
      // The older names of the same plugin: both at once are refused.
      if (await this.#hasPlugin(`rpl_semi_sync_${this.role === 'primary' ? 'master' : 'slave'}`)) return 'not-there'
      try {
        await this.writable(() => this.connection.run(`install plugin ${plugin} soname 'semisync_${here}.so'`))
      } catch (error) {
        if (error instanceof ServerError && error.number === noSuchLibrary) return 'not-there'
        throw error
      }
      changed = true
    }
    const wanted = new Map([[`${plugin}_enabled`, 'ON']])
    if (this.role === 'primary') {
      wanted.set(`${plugin}_wait_point`, 'AFTER_SYNC').set(`${plugin}_timeout`, String(semiSyncTimeoutMs))
    }
    const settings = await this.connection.variables([...wanted.keys()])
    for (const [name, value] of wanted) {
      if (settings.get(name) === value) continue
      await this.connection.run(`set persist ${name} = ${value}`)
      changed = true
    }
    return changed ? 'turned-on' : 'was-on'
  }

  override async semiSyncState(): Promise<SemiSyncState | null> {
    const [row] = await this.connection.rows<{ Value: string }>("show global status like 'Rpl_semi_sync_source_clients'")
    if (row === undefined) return null
    const waitPoint = (await this.connection.variables(['rpl_semi_sync_source_wait_point'])).get('rpl_semi_sync_source_wait_point') ?? ''
    return { waitPoint, confirmingReplicas: Number(row.Value) }
  }

  override async settingsToKeep(): Promise<MissingSetting[]> {
    return []
  }

  override async accountStatements(user: string, host: string): Promise<string[]> {
    // The hash of a password is made of bytes that are no text.
    await this.connection.run('set session print_identified_with_as_hex = on')
    const account = await this.connection.value('show create user ?@?', [user, host])
    const grants = await this.connection.rows('show grants for ?@?', [user, host])
    return [account, ...grants.flatMap((row) => Object.values(row))].map(String)
  }

  override copyInstructions(primary: ReplicationServer, source: { host: string; port: number }): string[] {
    return [
      `mysqldump --host=${source.host} --port=${source.port} --user=${primary.connection.user} --password --all-databases --single-transaction --triggers --routines --events --set-gtid-purged=ON >dump.sql`,
      `mysql --host=${hostOf(this)} --port=${portOf(this)} --user=${this.connection.user} --password -e 'stop replica; reset replica all; set global super_read_only = off; set global read_only = off; reset binary logs and gtids'`,
      `mysql --host=${hostOf(this)} --port=${portOf(this)} --user=${this.connection.user} --password <dump.sql`,
    ]
  }

  /** Of several workers only the table knows what it was; without performance_schema it is empty. */
  async #applierError(error: ThreadError | null): Promise<ThreadError | null> {
    if (error === null || !error.text.includes('replication_applier_status_by_worker')) return error
    const [worker] = await this.connection.rows<{ number: number; text: string }>(
      `select last_error_number as number, last_error_message as text from performance_schema.replication_applier_status_by_worker
        where last_error_number <> 0 order by last_error_timestamp desc limit 1`,
    )
    return worker === undefined ? error : { number: Number(worker.number), text: worker.text }
  }

  async #hasPlugin(name: string): Promise<boolean> {
    const status = await this.connection.value('select plugin_status from information_schema.plugins where plugin_name = ?', [name])
    return status === 'ACTIVE'
  }

  override async restartReceiver(): Promise<void> {
    const state = await this.replicaState()
    if (state === null || state.receiver === 'stopped') return
    await this.connection.run('stop replica io_thread')
    await this.connection.run('start replica io_thread')
  }
}

function hostOf({ connection }: ReplicationServer): string {
  return connection.address.replace(/:\d+$/, '')
}

function portOf({ connection }: ReplicationServer): string {
  return connection.address.replace(/^.*:/, '')
}
