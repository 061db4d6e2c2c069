import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type ReplicationReport, type ReplicationRequest, setUpReplication } from '@urna/database'
import { afterAll, beforeAll, describe } from 'vitest'
import { type MysqlServer, removeUnusedData, type ServerKind, serverKinds } from './mysql-servers.ts'

/** What a server of a pair needs beside the usual settings; `number` tells the two apart. */
export function pairSettings({ product }: ServerKind, number: number): string[] {
  // MySQL's workers tell what stopped them in performance_schema only, which is on where nobody turns it off.
  const mysql = ['--gtid-mode=ON', '--enforce-gtid-consistency=ON', '--performance-schema=ON']
  return [`--server-id=${number}`, ...(product === 'MySQL' ? mysql : [])]
}

/**
 * A primary and its replica, which only reads, on this machine; the replication is made by our own job. Both know the users of
 * {@link MysqlServer}.
 */
export class ReplicatedPair {
  readonly primary: MysqlServer
  readonly replica: MysqlServer
  readonly #password = randomBytes(12).toString('hex')

  private constructor(primary: MysqlServer, replica: MysqlServer) {
    this.primary = primary
    this.replica = replica
  }

  /** Both servers, not yet a pair: see `setUp`. */
  static async startApart(kind: ServerKind, settingsOf = (number: number) => pairSettings(kind, number)): Promise<ReplicatedPair> {
    const started = await Promise.allSettled([kind.start(settingsOf(1)), kind.start(settingsOf(2))])
    const [primary, replica] = started.map((one) => (one.status === 'fulfilled' ? one.value : null))
    if (primary && replica) return new ReplicatedPair(primary, replica)
    await Promise.all([primary?.stop(), replica?.stop()])
    throw started.find((one) => one.status === 'rejected')?.reason
  }

  static async start(kind: ServerKind): Promise<ReplicatedPair> {
    const pair = await ReplicatedPair.startApart(kind)
    try {
      const { advice } = await pair.setUp()
      pair.keep(advice)
      return pair
    } catch (error) {
      await pair.stop()
      throw error
    }
  }

  /** What the job is given. */
  request(changes: Partial<ReplicationRequest> = {}): ReplicationRequest {
    const { host, port, user, password } = this.primary.connection
    return {
      primary: { host, port },
      replica: { host: this.replica.connection.host, port: this.replica.connection.port },
      administrator: { user: 'administrator', password },
      replicator: { user: 'replication', password: this.#password },
      source: { host, port },
      reader: { user, password, database: 'urna_1' },
      tls: null,
      connectTimeoutMs: 3_000,
      waitMs: 30_000,
      forceEmpty: false,
      say: () => {},
      signal: new AbortController().signal,
      ...changes,
    }
  }

  /** The same as settings of `jobs set-up-replication`. */
  get environment(): Record<string, string> {
    const { primary, replica, administrator, replicator, reader } = this.request()
    return {
      DB_HOST: primary.host,
      DB_PORT: String(primary.port),
      DB_REPLICA_HOST: replica.host,
      DB_REPLICA_PORT: String(replica.port),
      DB_USER: reader.user,
      DB_PASSWORD: reader.password,
      DB_DATABASE: reader.database,
      REPLICATION_ADMIN_USER: administrator.user,
      REPLICATION_ADMIN_PASSWORD: administrator.password,
      REPLICATION_USER: replicator.user,
      REPLICATION_PASSWORD: replicator.password,
    }
  }

  setUp(changes: Partial<ReplicationRequest> = {}): Promise<ReplicationReport> {
    return setUpReplication(this.request(changes))
  }

  /** Does what the job advises: MariaDB forgets at its next start what it was told. */
  keep(advice: readonly string[]): void {
    for (const server of [this.primary, this.replica]) {
      const text = advice.find((one) => one.includes(`:${server.connection.port} `) && one.includes('[mysqld]'))
      if (text !== undefined) writeFileSync(server.configurationFile, text.slice(text.indexOf('[mysqld]')))
    }
  }

  /** Resolves when the replica has everything that the primary has now. */
  async caughtUp(withinMs = 20_000): Promise<void> {
    const isMysql = this.primary.product === 'MySQL'
    const [row] = await this.primary.query<{ at: string }>(`select @@global.${isMysql ? 'gtid_executed' : 'gtid_binlog_pos'} as at`)
    const question = isMysql ? 'select wait_for_executed_gtid_set(?, ?) as late' : 'select master_gtid_wait(?, ?) as late'
    const [answer] = await this.replica.query<{ late: number }>(question, [row?.at ?? '', withinMs / 1_000])
    if (Number(answer?.late) !== 0) throw new Error(`the replica did not catch up within ${withinMs} ms`)
  }

  /** The replica reads on, and applies nothing until `resumeApplying`: what is read from it is of now, and stays so. */
  async stopApplying(): Promise<void> {
    await this.replica.query(this.#product('stop replica sql_thread', 'stop slave sql_thread'))
  }

  async resumeApplying(): Promise<void> {
    await this.replica.query(this.#product('start replica sql_thread', 'start slave sql_thread'))
  }

  /** The replica neither reads nor applies until `resume`, as when it cannot reach the primary. */
  async pause(): Promise<void> {
    await this.replica.query(this.#product('stop replica', 'stop slave'))
  }

  async resume(): Promise<void> {
    await this.replica.query(this.#product('start replica', 'start slave'))
  }

  /** The replica applies everything so much later; 0: at once. */
  async lagBehind(seconds: number): Promise<void> {
    // MariaDB changes nothing while one of both threads runs.
    await this.pause()
    await this.replica.query(
      this.#product(`change replication source to source_delay = ${seconds}`, `change master to master_delay = ${seconds}`),
    )
    await this.resume()
    await this.running()
  }

  /** Row of `show replica status` under MySQL's names, as far as tests ask for it. */
  async status(): Promise<{ receiver: string; applier: string; lagSeconds: number | null }> {
    const [row = {}] = await this.replica.query(this.#product('show replica status', 'show slave status'))
    const lag = row.Seconds_Behind_Source ?? row.Seconds_Behind_Master ?? null
    return {
      receiver: String(row.Replica_IO_Running ?? row.Slave_IO_Running),
      applier: String(row.Replica_SQL_Running ?? row.Slave_SQL_Running),
      lagSeconds: lag === null ? null : Number(lag),
    }
  }

  /** Resolves when both threads of the replica run again. */
  async running(withinMs = 30_000): Promise<void> {
    const untilMs = performance.now() + withinMs
    for (;;) {
      const { receiver, applier } = await this.status().catch(() => ({ receiver: 'no answer', applier: 'no answer' }))
      if (receiver === 'Yes' && applier === 'Yes') return
      if (performance.now() > untilMs) throw new Error(`after ${withinMs} ms the receiver is ${receiver}, the applier ${applier}`)
      await delay(100)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.replica.stop(), this.primary.stop()])
  }

  /**
   * The replica takes writes and follows nobody any more, as when the primary is gone for good. Whoever promotes in a hurry does not wait:
   * what the replica has received and not applied yet is thrown away with its relay log.
   */
  async promote(): Promise<void> {
    const statements =
      this.primary.product === 'MySQL'
        ? ['stop replica', 'reset replica all', 'set persist super_read_only = off', 'set persist read_only = off']
        : ['stop slave', 'reset slave all', 'set global read_only = off']
    for (const statement of statements) await this.replica.query(statement)
  }

  #product(mysql: string, mariadb: string): string {
    return this.primary.product === 'MySQL' ? mysql : mariadb
  }
}

/** A suite of tests for a pair of each kind of server; where one is missing, the suite's name says what to install. */
export function describePairs(name: string, define: (pair: () => ReplicatedPair, kind: ServerKind) => void, setUp = true): void {
  for (const kind of serverKinds()) {
    const what = `${name}: ${kind.name}`
    describe.skipIf(kind.missing !== null)(kind.missing === null ? what : `${what} (skipped: ${kind.missing})`, () => {
      let started: ReplicatedPair | null = null
      beforeAll(async () => {
        started = await (setUp ? ReplicatedPair.start(kind) : ReplicatedPair.startApart(kind))
      }, 120_000)
      afterAll(async () => {
        await started?.stop()
        removeUnusedData()
      })
      define(() => {
        if (started === null) throw new Error('the pair is started before the first test')
        return started
      }, kind)
    })
  }
}
