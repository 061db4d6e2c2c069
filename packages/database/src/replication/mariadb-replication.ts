import { commitsBeyond, includesEachServer, includesPosition } from './mariadb-gtids.ts'
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
  threadError,
} from './replication-server.ts'

interface StatusRow {
  readonly Connection_name: string
  readonly Master_Host: string
  readonly Master_Port: number | string
  readonly Master_User: string
  readonly Master_SSL_Allowed: string
  readonly Master_SSL_Verify_Server_Cert: string
  readonly Using_Gtid: string
  readonly Slave_IO_Running: string
  readonly Slave_SQL_Running: string
  readonly Last_IO_Errno: number | string
  readonly Last_IO_Error: string
  readonly Last_SQL_Errno: number | string
  readonly Last_SQL_Error: string
  readonly Seconds_Behind_Master: number | string | null
  readonly SQL_Delay: number | string
}

/**
 * MariaDB 10.5 and newer. It has no SET PERSIST: what is set at run time is forgotten at its next start, so the same settings belong into
 * its configuration ({@link settingsToKeep}).
 */
export class MariadbReplication extends ReplicationServer {
  override readonly product = 'MariaDB'

  override async serverId(): Promise<number> {
    return Number(await this.connection.value('select @@global.server_id'))
  }

  override async identity(): Promise<string | null> {
    return (await this.connection.variables(['server_uid'])).get('server_uid') ?? null
  }

  override async missingSettings(otherServerId: number): Promise<MissingSetting[]> {
    const settings = await this.connection.variables(['server_id', 'log_bin', 'binlog_format', 'binlog_row_image'])
    const missing: MissingSetting[] = []
    const want = (name: string, wanted: string, isRight: (value: string) => boolean) => {
      const value = settings.get(name)
      if (value !== undefined && !isRight(value)) missing.push({ name, value, wanted })
    }
    const id = Number(settings.get('server_id'))
    want('server_id', String(otherServerId + 1), () => id !== 0 && (this.role === 'primary' || id !== otherServerId))
    // A replica's too: after a failover nothing else tells what it has written itself.
    want('log_bin', 'binlog', isOn)
    if (this.role === 'primary') {
      want('binlog_format', 'ROW', (value) => value === 'ROW')
      want('binlog_row_image', 'FULL', (value) => value !== 'MINIMAL' && value !== 'NOBLOB')
    }
    return missing
  }

  override async encrypts(): Promise<boolean> {
    return isOn((await this.connection.variables(['have_ssl'])).get('have_ssl'))
  }

  override async position(): Promise<string> {
    const name = this.role === 'primary' ? 'gtid_binlog_pos' : 'gtid_slave_pos'
    return this.#global(name)
  }

  override async includes(applied: string, position: string): Promise<boolean> {
    return includesPosition(applied, position)
  }

  override async logsBeginAfter(): Promise<string> {
    const [oldest] = await this.connection.rows<{ Log_name: string }>('show binary logs')
    if (oldest === undefined) return ''
    const events = await this.connection.rows<{ Event_type: string; Info: string }>('show binlog events in ? limit 10', [oldest.Log_name])
    const list = (events.find(({ Event_type }) => Event_type === 'Gtid_list')?.Info ?? '[]').replace(/^\[|\]$/g, '')
    if (list !== '') return list
    // One that was promoted has logged nothing of what it applied as a replica, unless log_slave_updates was on.
    const [applied, logged] = [await this.#global('gtid_slave_pos'), await this.#global('gtid_binlog_state')]
    return includesEachServer(logged, applied) ? '' : applied
  }

  override async startingPoint(replica: ReplicationServer): Promise<StartingPoint> {
    const begins = await this.logsBeginAfter()
    if ((await replica.tables()).size === 0) {
      return begins === '' ? { kind: 'beginning' } : { kind: 'needs-copy', why: `its binary logs begin after ${begins}` }
    }
    // In this order: a replica may log what it applies, and is at it.
    const logged = (await replica.connection.value('select @@global.gtid_binlog_pos')) ?? ''
    const [written, applied] = [await this.position(), await replica.position()]
    // A promoted server: gtid_slave_pos knows nothing of what it has written since.
    const own = commitsBeyond(applied, logged, await this.serverId())
    if (own.length > 0) return { kind: 'other-data', why: `it has commits of its own (${own.join(', ')})` }
    if (applied === '') return { kind: 'other-data', why: 'it has tables, and no GTID (gtid_slave_pos) says from where' }
    if (!includesPosition(written, applied)) {
      return { kind: 'other-data', why: `it is at ${applied}, ahead of the primary, which is at ${written || 'its beginning'}` }
    }
    return includesPosition(applied, begins)
      ? { kind: 'goes-on' }
      : { kind: 'needs-copy', why: `its binary logs begin after ${begins}, and the replica is at ${applied}` }
  }

  override async replicaState(): Promise<ReplicaState | null> {
    const rows = await this.connection.rows<StatusRow>('show all slaves status')
    const [row] = rows
    if (row === undefined) return null
    if (rows.length > 1 || row.Connection_name !== '') throw new Error(`${this.label} replicates from other servers already`)
    return {
      sourceHost: row.Master_Host,
      sourcePort: Number(row.Master_Port),
      user: row.Master_User,
      byGtid: row.Using_Gtid === 'Slave_Pos',
      isEncrypted: row.Master_SSL_Allowed === 'Yes',
      receiver: row.Slave_IO_Running === 'Yes' ? 'running' : row.Slave_IO_Running === 'No' ? 'stopped' : 'connecting',
      receiverError: threadError(row.Last_IO_Errno, row.Last_IO_Error),
      applier: row.Slave_SQL_Running === 'Yes' ? 'running' : 'stopped',
      applierError: threadError(row.Last_SQL_Errno, row.Last_SQL_Error),
      lagSeconds: row.Seconds_Behind_Master === null ? null : Number(row.Seconds_Behind_Master),
      delaySeconds: Number(row.SQL_Delay),
    }
  }

  override async follow({ host, port, user, password, isEncrypted }: Source, from: 'goes-on' | 'beginning'): Promise<void> {
    await this.stopReplica()
    if (from === 'beginning') {
      await this.connection.run('reset slave all')
      if (isOn((await this.connection.variables(['log_bin'])).get('log_bin'))) await this.connection.run('reset master')
      await this.connection.run("set global gtid_slave_pos = ''")
    }
    // Somebody who has turned it on gave the certificate of the authority too, which is kept as well.
    const [row] = await this.connection.rows<StatusRow>('show all slaves status')
    const verifies = row !== undefined && row.Master_Host !== '' && row.Master_SSL_Verify_Server_Cert === 'Yes'
    await this.connection.run(
      `change master to master_host = ?, master_port = ?, master_user = ?, master_password = ?, master_use_gtid = slave_pos,
        master_ssl = ${isEncrypted ? 1 : 0}, master_ssl_verify_server_cert = ${verifies ? 1 : 0}, master_connect_retry = ${reconnectSeconds}`,
      [host, port, user, password],
      { secret: true },
    )
    await this.startReplica()
  }

  override stopReplica(): Promise<void> {
    return this.connection.run('stop slave')
  }

  override startReplica(): Promise<void> {
    return this.connection.run('start slave')
  }

  override async skipTransaction(): Promise<void> {
    await this.stopReplica()
    await this.connection.run('set global sql_slave_skip_counter = 1')
    await this.startReplica()
  }

  override async isReadOnly(): Promise<boolean> {
    return (await this.connection.variables(['read_only'])).get('read_only') !== 'OFF'
  }

  override setReadOnly(readOnly: boolean, connection = this.connection): Promise<void> {
    return connection.run(`set global read_only = ${readOnly ? 'on' : 'off'}`)
  }

  override async turnOnSemiSync(): Promise<SemiSync> {
    const wanted = this.#semiSyncSettings()
    const settings = await this.connection.variables([...wanted.keys()])
    if (settings.size === 0) return 'not-there'
    let changed = false
    for (const [name, value] of wanted) {
      if (settings.get(name) === value) continue
      await this.connection.run(`set global ${name} = ${value}`)
      changed = true
    }
    return changed ? 'turned-on' : 'was-on'
  }

  override async semiSyncState(): Promise<SemiSyncState | null> {
    const [row] = await this.connection.rows<{ Value: string }>("show global status like 'Rpl_semi_sync_master_clients'")
    if (row === undefined) return null
    const waitPoint = (await this.connection.variables(['rpl_semi_sync_master_wait_point'])).get('rpl_semi_sync_master_wait_point') ?? ''
    return { waitPoint, confirmingReplicas: Number(row.Value) }
  }

  override async settingsToKeep(): Promise<MissingSetting[]> {
    const wanted = this.#semiSyncSettings()
    if (this.role === 'replica') wanted.set('read_only', 'ON')
    const rows = await this.connection.rows<{ name: string; value: string; origin: string }>(
      `select lower(variable_name) as name, global_value as value, global_value_origin as origin
        from information_schema.system_variables where lower(variable_name) in (${[...wanted].map(() => '?').join(', ')})`,
      [...wanted.keys()],
    )
    return rows
      .filter(({ name, value, origin }) => value !== wanted.get(name) || (origin !== 'CONFIG' && origin !== 'COMMAND-LINE'))
      .map(({ name, value }) => ({ name, value, wanted: wanted.get(name) ?? '' }))
  }

  override async accountStatements(user: string, host: string): Promise<string[]> {
    const account = await this.connection.value('show create user ?@?', [user, host])
    const grants = await this.connection.rows('show grants for ?@?', [user, host])
    return [account, ...grants.flatMap((row) => Object.values(row))].map(String)
  }

  override copyInstructions(primary: ReplicationServer, source: { host: string; port: number }): string[] {
    const [host, port] = this.connection.address.split(/:(?=\d+$)/)
    return [
      `mariadb-dump --host=${source.host} --port=${source.port} --user=${primary.connection.user} --password --all-databases --single-transaction --triggers --routines --events --master-data=1 --gtid >dump.sql`,
      `mariadb --host=${host} --port=${port} --user=${this.connection.user} --password -e 'stop slave; reset slave all; reset master; set global read_only = off'`,
      // What it logged would be taken for commits of its own, as of a promoted server.
      `mariadb --host=${host} --port=${port} --user=${this.connection.user} --password --init-command='set sql_log_bin = 0' <dump.sql`,
    ]
  }

  #semiSyncSettings(): Map<string, string> {
    return this.role === 'replica'
      ? new Map([['rpl_semi_sync_slave_enabled', 'ON']])
      : new Map([
          ['rpl_semi_sync_master_enabled', 'ON'],
          ['rpl_semi_sync_master_wait_point', 'AFTER_SYNC'],
          ['rpl_semi_sync_master_timeout', String(semiSyncTimeoutMs)],
        ])
  }

  async #global(name: string): Promise<string> {
    return (await this.connection.value(`select @@global.${name}`)) ?? ''
  }

  override async restartReceiver(): Promise<void> {
    const state = await this.replicaState()
    if (state === null || state.receiver === 'stopped') return
    await this.connection.run('stop slave io_thread')
    await this.connection.run('start slave io_thread')
  }
}
