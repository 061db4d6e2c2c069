import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type EndedJob, JobsProcesses } from './support/jobs-process.ts'
import { type MysqlServer, removeUnusedData, type ServerKind, serverKinds } from './support/mysql-servers.ts'
import { describePairs, pairSettings, ReplicatedPair } from './support/replicated-pair.ts'

/** Value of a line of the report. */
function reported({ stdout }: EndedJob, name: string): string | undefined {
  return new RegExp(`^${name} {2,}(.*)$`, 'm').exec(stdout)?.[1]
}

/** As one of our processes: with no rights but on the databases of tests. */
async function asUser(server: MysqlServer, statement: string): Promise<number | null> {
  const connection = mysql.createConnection({ ...server.connection })
  try {
    return await new Promise<number | null>((resolve) => {
      connection.on('error', () => {})
      connection.query(statement, (error) => resolve(error?.errno ?? null))
    })
  } finally {
    connection.destroy()
  }
}

const rows = (server: MysqlServer) => server.query<{ a: number }>('select a from urna_1.t order by a').then((all) => all.map(({ a }) => a))

async function makeTable(server: MysqlServer, ...values: number[]): Promise<void> {
  await server.query('create database if not exists urna_1')
  await server.query('create table urna_1.t (a int primary key)')
  for (const value of values) await server.query(`insert into urna_1.t values (${value})`)
}

afterAll(removeUnusedData)

describePairs(
  'set-up-replication',
  (pair, kind) => {
    let jobs: JobsProcesses
    beforeEach(() => {
      jobs = new JobsProcesses(pair().environment)
    })
    afterEach(() => jobs.remove())

    const setUp = (changes: Record<string, string> = {}, ...more: string[]) => jobs.run(['set-up-replication', ...more], changes)
    const withoutAdvice = ({ stderr }: EndedJob) => stderr.replace(/^The .* forgets this when it restarts\..*\n( {2}.*\n)+/gm, '')

    // One after the other, each on what the one before has left.
    it('makes an empty server the replica of one that has data already', async () => {
      await makeTable(pair().primary, 1, 2)
      const done = await setUp()
      expect([done.status, withoutAdvice(done)]).toEqual([
        0,
        expect.stringMatching(
          /^made the user replication .*\nmade the empty replica follow .* from its beginning\nturned on semi-synchronous.*\nmade the replica refuse writes\n$/,
        ),
      ])
      expect(reported(done, 'receiver')).toBe('running')
      expect(reported(done, 'applier')).toBe('running')
      expect(reported(done, 'GTID replica')).toBe(reported(done, 'GTID source'))
      // A busy machine counts seconds for what it has applied already.
      expect(reported(done, 'lag')).toMatch(/^\d+ s$/)
      expect(reported(done, 'replica')).toMatch(/, server_id 2, read-only$/)
      expect(reported(done, 'semi-sync')).toMatch(/^on: .*\(AFTER_SYNC\)$/)
      expect(await rows(pair().replica)).toEqual([1, 2])
      const { password } = pair().request().replicator
      expect(`${done.stdout}${done.stderr}`).not.toContain(password)
      pair().keep(done.stderr.split(/^(?=The )/m))
    })

    it('changes nothing when it is run again', async () => {
      const again = await setUp()
      expect([again.status, withoutAdvice(again)]).toEqual([0, ''])
      expect(again.stdout).toMatch(/^nothing to change\nsource {2,}/)
    })

    it('makes writes seen on the replica, which refuses its own', async () => {
      await pair().primary.query('insert into urna_1.t values (3)')
      await pair().caughtUp()
      expect(await rows(pair().replica)).toEqual([1, 2, 3])
      expect(await asUser(pair().replica, 'insert into urna_1.t values (4)')).toBe(1290)
      if (kind.product === 'MySQL') await expect(pair().replica.query('create database urna_other')).rejects.toMatchObject({ errno: 1290 })
    })

    it('makes every commit wait for the replica, which has it before anybody sees it', async () => {
      const { primary, replica } = pair()
      const is = async (server: MysqlServer, name: string) => {
        const [row] = await server.query<{ value: unknown }>(`select @@global.${name} as value`)
        return row?.value
      }
      const [source, target] = kind.product === 'MySQL' ? ['source', 'replica'] : ['master', 'slave']
      expect(await is(primary, `rpl_semi_sync_${source}_enabled`)).toBe(1)
      expect(await is(replica, `rpl_semi_sync_${target}_enabled`)).toBe(1)
      expect(await is(primary, `rpl_semi_sync_${source}_wait_point`)).toBe('AFTER_SYNC')
      // Longer than a consumer waits for its commit would be an outage.
      expect(Number(await is(primary, `rpl_semi_sync_${source}_timeout`))).toBe(1_000)
      const confirmed = async () => {
        const [row] = await primary.query<{ Value: string }>(`show global status like 'Rpl_semi_sync_${source}_yes_tx'`)
        return Number(row?.Value)
      }
      const before = await confirmed()
      await primary.query('insert into urna_1.t values (4)')
      await primary.query('delete from urna_1.t where a = 4')
      expect(await confirmed()).toBe(before + 2)
      expect(await is(replica, kind.product === 'MySQL' ? 'super_read_only' : 'read_only')).toBe(1)
    })

    it('makes a replica confirm that connected too early for it', async () => {
      const { primary, replica } = pair()
      const [stop, start, enabled, clients] =
        kind.product === 'MySQL'
          ? ['stop replica', 'start replica', 'rpl_semi_sync_replica_enabled', 'Rpl_semi_sync_source_clients']
          : ['stop slave', 'start slave', 'rpl_semi_sync_slave_enabled', 'Rpl_semi_sync_master_clients']
      await replica.query(`set global ${enabled} = off`)
      await replica.query(stop)
      // The primary notices when it next has something to send.
      await primary.query('insert into urna_1.t values (4)')
      await primary.query('delete from urna_1.t where a = 4')
      await replica.query(start)
      await pair().caughtUp()
      const confirming = async () => Number((await primary.query<{ Value: string }>(`show global status like '${clients}'`))[0]?.Value)
      await expect.poll(confirming, { timeout: 10_000 }).toBe(0)
      await replica.query(`set global ${enabled} = on`)
      expect(reported(await setUp(), 'semi-sync')).toMatch(/^on: .*\(AFTER_SYNC\)$/)
      expect(await confirming()).toBe(1)
    })

    it('works one at a time, however many are started', async () => {
      await pair().stopApplying()
      const all = await Promise.all([setUp(), setUp(), setUp()])
      expect(all.map(({ status }) => status)).toEqual([0, 0, 0])
      // One starts what was stopped, the others find it running.
      expect(all.filter(({ stdout }) => stdout.startsWith('nothing to change'))).toHaveLength(2)
      expect(all.filter(({ stderr }) => stderr.includes('from where it is'))).toHaveLength(1)
    })

    it('gives the replicator no other right', async () => {
      const grants = await pair().primary.query("show grants for 'replication'@'%'")
      expect(grants.flatMap((row) => Object.values(row)).map((grant) => String(grant).replace(/ IDENTIFIED BY .*/, ''))).toEqual([
        'GRANT REPLICATION SLAVE ON *.* TO `replication`@`%`',
      ])
    })

    it('outlives a crash of either server', { timeout: 120_000 }, async () => {
      await pair().replica.kill()
      // The primary does not wait for it longer than a second, and then not at all.
      const startMs = performance.now()
      await pair().primary.query('insert into urna_1.t values (5)')
      expect(performance.now() - startMs).toBeLessThan(4_000)
      await pair().replica.run()
      await pair().running()
      await pair().caughtUp()
      expect(await rows(pair().replica)).toEqual([1, 2, 3, 5])
      expect(await asUser(pair().replica, 'insert into urna_1.t values (4)')).toBe(1290)
      await pair().primary.kill()
      await pair().primary.run()
      await pair().primary.query('insert into urna_1.t values (6)')
      await pair().running()
      await pair().caughtUp()
      expect(await rows(pair().replica)).toEqual([1, 2, 3, 5, 6])
      // Everything was kept, by the server or by its configuration as it was advised.
      if (kind.product === 'MariaDB') {
        const after = await setUp()
        expect([after.status, after.stderr, after.stdout.split('\n')[0]]).toEqual([0, '', 'nothing to change'])
      }
    })

    it('starts again what somebody stopped', async () => {
      await pair().stopApplying()
      const late = await setUp()
      expect(late).toMatchObject({ status: 0 })
      expect(late.stderr).toContain('from where it is')
      expect((await pair().status()).applier).toBe('Yes')
    })

    it('does not wait for ever for a replica that applies late', async () => {
      await pair().lagBehind(3_600)
      await pair().primary.query('insert into urna_1.t values (8)')
      await pair().primary.query('delete from urna_1.t where a = 8')
      const late = await setUp({ MIGRATION_WAIT_SECONDS: '2' })
      // It is on its way: both threads run.
      expect([late.status, late.stdout.split('\n')[0]]).toEqual([0, 'nothing to change'])
      expect(reported(late, 'GTID replica')).not.toBe(reported(late, 'GTID source'))
      // It waited two seconds.
      expect(reported(late, 'lag')).toMatch(/^([2-9]|\d\d) s$/)
      await pair().lagBehind(0)
      await pair().caughtUp()
    })

    it('takes another password of the replicator, and refuses to change that of somebody else', async () => {
      const odd = `it's "\\ %$`
      const changed = await setUp({ REPLICATION_PASSWORD: odd })
      expect(changed.stderr).toMatch(/^gave the user replication on the primary the password that is set\nmade the replica follow/)
      expect(changed.status).toBe(0)
      expect(await setUp({ REPLICATION_PASSWORD: odd })).toMatchObject({ status: 0, stdout: expect.stringMatching(/^nothing to change/) })
      const somebody = await setUp({ REPLICATION_USER: 'urna' })
      expect(somebody.status).toBe(1)
      expect(somebody.stderr).toMatch(/^The user urna is there already .* may do more than replicate\. .*REPLICATION_USER\.\n$/)
      expect(`${changed.stderr}${somebody.stderr}`).not.toContain(odd)
      await pair().primary.query("grant select on urna_1.* to 'replication'@'%'")
      const mayMore = await setUp({ REPLICATION_PASSWORD: odd })
      expect([mayMore.status, mayMore.stderr]).toEqual([0, expect.stringContaining('may do more on the primary than replicate')])
      await pair().primary.query("revoke select on urna_1.* from 'replication'@'%'")
      expect((await setUp()).status).toBe(0)
    })

    it('follows again what it followed, when it is given a wrong address of the primary', async () => {
      const wrong = await setUp({ REPLICATION_SOURCE_PORT: '1', MIGRATION_WAIT_SECONDS: '3' })
      expect(wrong.status).toBe(1)
      expect(wrong.stderr).toMatch(/does not read from 127\.0\.0\.1:1 \(2003\).*\n.*REPLICATION_SOURCE_HOST/)
      await pair().running()
      expect(await setUp()).toMatchObject({ status: 0, stdout: expect.stringMatching(/^nothing to change/) })
    })

    it.each<[string, () => Promise<Record<string, string>>, number, RegExp]>([
      [
        'a wrong password',
        async () => ({ REPLICATION_ADMIN_PASSWORD: 'hunter2' }),
        1,
        /^the primary \S+ refuses the user administrator: wrong password, or no such user/,
      ],
      [
        'a replica that is not there',
        async () => ({ DB_REPLICA_PORT: String(await freePort()), MIGRATION_WAIT_SECONDS: '1' }),
        1,
        /^waiting: the replica \S+ cannot be reached \(ECONNREFUSED\).*\nthe replica \S+ cannot be reached .*waited 1 s\n$/,
      ],
      [
        'a name that is nobody',
        async () => ({ DB_HOST: 'nobody.invalid', MIGRATION_WAIT_SECONDS: '0' }),
        1,
        /^the primary nobody\.invalid:\d+ cannot be reached \((ENOTFOUND|EAI_AGAIN)\)\n$/,
      ],
      [
        'an administrator who is none',
        async () => ({ REPLICATION_ADMIN_USER: 'urna' }),
        1,
        /^the primary \S+ refuses \(\d+: .*(denied|need)/,
      ],
      [
        'one server twice',
        async () => ({ DB_REPLICA_HOST: 'localhost', DB_REPLICA_PORT: String(pair().primary.connection.port) }),
        1,
        /one and the same server/,
      ],
      [
        'the replica for the primary',
        async () => {
          const { primary, replica } = pair()
          return { DB_PORT: String(replica.connection.port), DB_REPLICA_PORT: String(primary.connection.port) }
        },
        1,
        /takes no writes \(it is read-only\)\. Is it the replica\?/,
      ],
      [
        'no passwords',
        async () => ({ REPLICATION_PASSWORD: '', REPLICATION_ADMIN_PASSWORD: '' }),
        2,
        /2 settings are wrong:\n.*REPLICATION_ADMIN_PASSWORD/,
      ],
    ])('says so in words: %s', { timeout: 60_000 }, async (_what, changesOf, status, words) => {
      const ended = await setUp(await changesOf())
      expect([ended.status, ended.stderr]).toEqual([status, expect.stringMatching(words)])
      expect(ended.stderr).not.toMatch(/hunter2| {4}at /)
    })

    it('tells of an applier that stopped at something it cannot do', async () => {
      if (kind.product === 'MySQL') await pair().replica.query('set global super_read_only = off')
      await unlogged(pair().replica, 'delete from urna_1.t where a = 6')
      await pair().primary.query('delete from urna_1.t where a = 6')
      await expect.poll(async () => (await pair().status()).applier, { timeout: 10_000 }).toBe('No')
      const stopped = await setUp()
      expect(stopped.status).toBe(1)
      expect(stopped.stderr).toMatch(/has stopped at a transaction \(10\d\d\): .*\n.*--force-empty/)
      const { port } = pair().replica.connection
      for (const wrong of ['somewhere', '127.0.0.1', `127.0.0.1:${pair().primary.connection.port}`]) {
        const refused = await setUp({}, '--force-empty', wrong)
        expect([refused.status, refused.stderr]).toEqual([
          2,
          expect.stringMatching(/^--force-empty: expected host and port of the replica/),
        ])
      }
      expect(stopped.stderr).toContain(`--force-empty 127.0.0.1:${port}\n`)
      const again = await setUp({}, '--force-empty', `127.0.0.1:${port}`)
      expect(again.stderr).toMatch(/removed from the replica: urna_1\n/)
      expect(again.status).toBe(0)
      expect(await rows(pair().replica)).toEqual([1, 2, 3, 5])
    })
  },
  false,
)

for (const kind of serverKinds()) {
  const missing = kind.missing === null ? '' : ` (skipped: ${kind.missing})`
  describe.skipIf(kind.missing !== null)(`set-up-replication of servers that are not as they must be: ${kind.product}${missing}`, () => {
    let pair: ReplicatedPair
    afterEach(() => pair?.stop())

    async function apart(): Promise<ReplicatedPair> {
      pair = await ReplicatedPair.startApart(kind)
      return pair
    }

    it('leaves out what both were given when they were first started, and makes what only the primary was', {
      timeout: 120_000,
    }, async () => {
      const { primary, replica } = await apart()
      // As the first start of a container may do, within the binary log or outside of it.
      await unlogged(primary, 'create database urna_quiet')
      await primary.query('create table urna_quiet.q (a int primary key)')
      for (const server of [primary, replica]) {
        await server.query('create database urna_1')
        await server.query("create user 'both'@'%' identified by 'x'")
      }
      await unlogged(primary, "create user 'reader'@'%' identified by 'read me'", "grant select on urna_1.* to 'reader'@'%'")
      await makeTable(primary, 1)
      const said: string[] = []
      const { runs } = await pair.setUp({
        say: (line) => said.push(line),
        reader: { user: 'reader', password: 'read me', database: 'urna_1' },
      })
      expect(runs).toBe(true)
      const left = (what: string) => expect.stringContaining(`left out what the replica has already: ${what}`)
      expect(said.filter((line) => /left out|made the database|gave the replica/.test(line))).toEqual([
        'made the database urna_quiet on the replica',
        // MariaDB takes a database that is there for one that it has made.
        ...(kind.product === 'MySQL' ? [left("Can't create database 'urna_1'; database exists")] : []),
        left("Operation CREATE USER failed for 'both'@'%'"),
        'gave the replica the user reader, as it is on the primary',
      ])
      expect(await rows(replica)).toEqual([1])
      const reader = mysql.createConnection({ ...replica.connection, user: 'reader', password: 'read me' })
      reader.on('error', () => {})
      expect(await new Promise((resolve) => reader.query('select a from urna_1.t', (error, found) => resolve(error ?? found)))).toEqual([
        { a: 1 },
      ])
      reader.destroy()
    })

    it('never loses data of somebody else', { timeout: 120_000 }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary, 1)
      await makeTable(replica, 7)
      await expect(pair.setUp()).rejects.toThrow(
        /has data that are not the primary's: .*\. It holds urna_1 \(1 tables\)\.\n.*--force-empty 127\.0\.0\.1:\d+$/,
      )
      expect(await rows(replica)).toEqual([7])
      expect((await pair.setUp({ forceEmpty: true })).runs).toBe(true)
      expect(await rows(replica)).toEqual([1])
    })

    it('never overwrites a promoted server with the old primary, which has come back', { timeout: 180_000 }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary, 1)
      await pair.setUp()
      await pair.pause()
      await primary.query('insert into urna_1.t values (2), (3)')
      await primary.query('insert into urna_1.t values (4)')
      await primary.kill()
      await pair.promote()
      await replica.query('insert into urna_1.t values (7)')
      await primary.run()
      await expect(pair.setUp()).rejects.toThrow(/has data that are not the primary's: .*\n.*Is it the primary now/)
      await replica.query('insert into urna_1.t values (8)')
      expect(await rows(replica)).toEqual([1, 7, 8])
    })

    it('does not call it success when the replica takes for its own what it reads', { timeout: 120_000 }, async () => {
      const { primary } = await apart()
      const { user, password } = pair.request().replicator
      await unlogged(primary, `create user ${user}@'%' identified by '${password}'`, `grant replication slave on *.* to ${user}@'%'`)
      // The replica's number, as if it had been the primary once.
      await primary.query('set global server_id = 2')
      await makeTable(primary, 1)
      await primary.query('set global server_id = 1')
      // MariaDB counts as applied what it skips: there only the tables tell.
      const words =
        kind.product === 'MySQL'
          ? /has applied nothing for [5-9] s: .*\n.*own server_id, which is 2/
          : /lacks urna_1\.t: .*own server_id, which is 2/
      await expect(pair.setUp({ waitMs: 1_000 })).rejects.toThrow(words)
    })

    it('leaves a replica read-only that was, also when it is interrupted', { timeout: 120_000 }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary, 1)
      await makeTable(replica, 7)
      const more = Array.from({ length: 100 }, (_, index) => [`create database urna_x${index}`, `create table urna_x${index}.t (a int)`])
      await unlogged(replica, ...more.flat())
      const variable = kind.product === 'MySQL' ? 'super_read_only' : 'read_only'
      await replica.query(`set global ${variable} = on`)
      const isReadOnly = async () => {
        const [row] = await replica.query<{ value: number }>(`select @@global.${variable} as value`)
        return row?.value
      }
      const interrupt = new AbortController()
      const ended = pair.setUp({ forceEmpty: true, signal: interrupt.signal }).catch((error: Error) => error)
      await expect.poll(isReadOnly, { timeout: 20_000, interval: 1 }).toBe(0)
      interrupt.abort()
      expect(await ended).toBeInstanceOf(Error)
      expect(await isReadOnly()).toBe(1)
      // And it goes on from there, writing only where it must.
      expect((await pair.setUp({ forceEmpty: true })).runs).toBe(true)
      expect([await rows(replica), await isReadOnly()]).toEqual([[1], 1])
    })

    it('shows nothing of a row that the applier could not write', { timeout: 120_000 }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary)
      await primary.query('create table urna_1.keys_seen (k varchar(40) primary key)')
      await pair.setUp()
      if (kind.product === 'MySQL') await replica.query('set global super_read_only = off')
      await unlogged(replica, "insert into urna_1.keys_seen values ('planted-key')")
      await primary.query("insert into urna_1.keys_seen values ('planted-key')")
      await expect.poll(async () => (await pair.status()).applier, { timeout: 10_000 }).toBe('No')
      const { message } = (await pair.setUp().catch((error: Error) => error)) as Error
      expect(message).toMatch(/has stopped at a transaction \(1062\): .*Duplicate entry '\.\.\.' for key/)
      expect(message).not.toContain('planted-key')
    })

    it.runIf(kind.product === 'MariaDB')('goes on checking the certificate of the primary where it did', { timeout: 120_000 }, async () => {
      const { replica } = await apart()
      await makeTable(pair.primary, 1)
      await pair.setUp()
      const verifies = async () => (await replica.query('show slave status'))[0]?.Master_SSL_Verify_Server_Cert
      expect(await verifies()).toBe('No')
      await pair.pause()
      await replica.query('change master to master_ssl_verify_server_cert = 1')
      // Without a certificate there is nothing to check: here only the setting counts.
      expect((await pair.setUp()).runs).toBe(true)
      expect(await verifies()).toBe('Yes')
    })

    it('says which settings are missing, and where they belong', { timeout: 120_000 }, async () => {
      const off =
        kind.product === 'MySQL'
          ? ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF', '--skip-log-bin']
          : ['--skip-log-bin', '--binlog-format=MIXED']
      pair = await ReplicatedPair.startApart(kind, (number) => (number === 1 ? off : pairSettings(kind, 1)))
      const error = await pair.setUp().catch((reason: Error) => reason)
      expect(error).toMatchObject({ name: 'ReplicationError' })
      const { message } = error as Error
      expect(message).toMatch(/^The primary .* cannot replicate with its settings\. .*\n {2}\[mysqld\]\n {2}log_bin = binlog {4}# is OFF\n/)
      expect(message).toContain(kind.product === 'MySQL' ? '  gtid_mode = ON    # is OFF' : '  binlog_format = ROW    # is MIXED')
      expect(message).toMatch(/\nThe replica .*\n {2}\[mysqld\]\n {2}server_id = 2 {4}# is 1$/)
    })

    it('empties no right replica that was merely stopped, and nothing that the primary cannot give back', {
      timeout: 180_000,
    }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary, 1)
      await pair.setUp()
      await pair.pause()
      const said: string[] = []
      expect((await pair.setUp({ forceEmpty: true, say: (line) => said.push(line) })).runs).toBe(true)
      expect(said[0]).toMatch(/^nothing was removed/)
      await pair.pause()
      await purgeLogs(primary)
      // Once a right replica; then one that lacks what the logs no longer have; then one with data of its own.
      expect((await pair.setUp({ forceEmpty: true })).runs).toBe(true)
      await pair.pause()
      await primary.query('insert into urna_1.t values (2)')
      await purgeLogs(primary)
      await expect(pair.setUp({ forceEmpty: true })).rejects.toThrow(/cannot tell a replica everything: /)
      await pair.promote()
      await replica.query('insert into urna_1.t values (7)')
      await expect(pair.setUp({ forceEmpty: true })).rejects.toThrow(/cannot tell a replica everything: its binary logs begin after /)
      expect(await rows(replica)).toEqual([1, 7])
    })

    it('empties no primary, where both are exchanged', { timeout: 120_000 }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary, 1)
      await pair.setUp()
      // Only for as long as it refuses writes, nobody takes it for a primary.
      for (const statement of ['set global super_read_only = off', 'set global read_only = off'].slice(kind.product === 'MySQL' ? 0 : 1)) {
        await replica.query(statement)
      }
      const { primary: one, replica: other } = pair.request()
      const exchanged = { primary: other, source: other, replica: one, forceEmpty: true }
      await primary.query('insert into urna_1.t values (2)')
      await pair.stopApplying()
      await primary.query('insert into urna_1.t values (3)')
      await expect(pair.setUp(exchanged)).rejects.toThrow(/Another server replicates from the replica .* Are DB_HOST .* exchanged\?/)
      await pair.pause()
      await endDumps(primary)
      await expect(pair.setUp(exchanged)).rejects.toThrow(/The primary .* is itself a replica, of /)
      expect(await rows(primary)).toEqual([1, 2, 3])
    })

    it('tells how to copy what the binary logs no longer have, and that works', { timeout: 180_000 }, async () => {
      const { primary, replica } = await apart()
      await makeTable(primary, 1, 2)
      await purgeLogs(primary)
      const { message } = (await pair.setUp().catch((error: Error) => error)) as Error
      expect(message).toMatch(
        /cannot tell a replica everything: its binary logs begin after .*\. Copy its data once, then start this again:\n/,
      )
      const commands = message.split('\n').slice(1)
      expect(commands).toHaveLength(3)
      if (!runAll(kind, commands, pair)) return
      await primary.query('insert into urna_1.t values (3)')
      expect((await pair.setUp()).runs).toBe(true)
      await pair.caughtUp()
      expect(await rows(replica)).toEqual([1, 2, 3])
    })

    it('notices data that are older than the binary logs', { timeout: 120_000 }, async () => {
      const { primary } = await apart()
      await unlogged(primary, 'create database urna_1', 'create table urna_1.old (a int primary key)')
      await makeTable(primary, 1)
      await expect(pair.setUp()).rejects.toThrow(/follows, but it lacks urna_1\.old: the primary had data before its binary logs began/)
    })
  })
}

/** The binary logs begin with what is written from now on. */
async function purgeLogs(server: MysqlServer): Promise<void> {
  await server.query('flush binary logs')
  const logs = async () => (await server.query<{ Log_name: string }>('show binary logs')).map(({ Log_name }) => Log_name)
  // What the storage engine may still need is kept for a moment, and so is what a replica reads.
  const purged = async () => {
    await server.query(`purge binary logs to '${(await logs()).at(-1)}'`)
    return (await logs()).length
  }
  await expect.poll(purged, { timeout: 10_000 }).toBe(1)
}

/** A replica that has gone stays in the list until the primary has something for it. */
async function endDumps(server: MysqlServer): Promise<void> {
  const all = await server.query<{ Id: number; Command: string }>('show processlist')
  for (const { Id, Command } of all) if (Command.startsWith('Binlog Dump')) await server.query(`kill ${Id}`)
}

async function unlogged(server: MysqlServer, ...statements: string[]): Promise<void> {
  const connection = mysql.createConnection({ ...server.connection, user: 'administrator', multipleStatements: true })
  await new Promise<void>((resolve, reject) => {
    connection.on('error', reject)
    connection.query(['set sql_log_bin = 0', ...statements].join('; '), (error) => (error === null ? resolve() : reject(error)))
  })
  connection.destroy()
}

/** False: this machine does not have the programs. */
function runAll(kind: ServerKind, commands: readonly string[], { primary, replica }: ReplicatedPair): boolean {
  const root = kind.product === 'MySQL' ? (process.env.SERVER_ROOT ?? '') : ''
  const dump = `/tmp/urna-dump-${replica.pid}.sql`
  const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', MYSQL_PWD: primary.connection.password }
  try {
    for (const command of commands) {
      // The password is asked for on a terminal; the dump goes to where both see it.
      const line = command.trim().replaceAll(' --password', '').replaceAll('dump.sql', dump)
      const shell = ['sh', '-c', line]
      const [program = '', ...argumentsOf] = root === '' ? shell : ['chroot', root, ...shell]
      const { status, stderr } = spawnSync(program, argumentsOf, { encoding: 'utf8', env })
      if (status === 127) return false
      expect([status, stderr]).toEqual([0, expect.not.stringMatching(/error/i)])
    }
    return true
  } finally {
    rmSync(join('/', root, dump), { force: true })
  }
}
