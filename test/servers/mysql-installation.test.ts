import { randomBytes } from 'node:crypto'
import { ForeignMasterKeyError, openMasterKey } from '@urna/core'
import { migrate, NotPreparedError, openMysqlPrimary, openMysqlReplica, readInstallation, SqlSettings } from '@urna/database'
import { expect, it } from 'vitest'
import { describeServers } from './support/mysql-suites.ts'

/** When a process may begin to work with a database. */
describeServers('an installation', (suite) => {
  const { fingerprint } = openMasterKey(randomBytes(32))

  async function freshDatabase() {
    const database = await suite.server.createDatabase()
    const options = suite.databases.optionsOf(database)
    const primary = openMysqlPrimary(options)
    const replica = openMysqlReplica(options)
    const read = () => readInstallation(primary, { fingerprint })
    const close = () => Promise.all([primary.close(), replica.close()])
    return { database, primary, replica, read, close }
  }

  it('is ready when all our migrations were run and the fingerprint is there, and not before', async () => {
    const { database, primary, replica, read, close } = await freshDatabase()
    await expect(read()).rejects.toThrow(NotPreparedError)
    await expect(read()).rejects.toThrow('from 0001-polls on')
    await migrate(primary)
    await expect(read()).rejects.toThrow('fingerprint of the master key')
    await new SqlSettings(primary).setIfAbsent('master_key_fingerprint', fingerprint)
    expect(await read()).toEqual({ isReadOnly: false })
    expect(await readInstallation(replica, { fingerprint })).toEqual({ isReadOnly: false })
    // A newer version has added something: that does not stop this one.
    await suite.server.query("insert into kysely_migration values ('9999-later', 'now')", [], database)
    expect(await read()).toEqual({ isReadOnly: false })
    await suite.server.query("delete from kysely_migration where name = '0020-poll-activity'", [], database)
    await expect(read()).rejects.toThrow('lacks 1 of our migrations, from 0020-poll-activity on')
    await close()
  })

  it('of another master key is an error of its own that quotes neither key', async () => {
    const { primary, read, close } = await freshDatabase()
    await migrate(primary)
    const other = openMasterKey(randomBytes(32))
    await new SqlSettings(primary).setIfAbsent('master_key_fingerprint', other.fingerprint)
    const error = await read().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ForeignMasterKeyError)
    expect((error as Error).message).toContain(other.fingerprint)
    await close()
  })

  it('on a server that is only read says so', async () => {
    const { primary, read, close } = await freshDatabase()
    await migrate(primary)
    await new SqlSettings(primary).setIfAbsent('master_key_fingerprint', fingerprint)
    await suite.server.query('set global read_only = 1')
    try {
      expect(await read()).toEqual({ isReadOnly: true })
    } finally {
      await suite.server.query('set global read_only = 0')
    }
    await close()
  })
})
