import { afterAll, beforeAll, describe } from 'vitest'
import { MysqlDatabases, type MysqlServer, removeUnusedData, type ServerKind, serverKinds } from './mysql-servers.ts'

export interface ServerSuite {
  readonly server: MysqlServer
  readonly databases: MysqlDatabases
}

/** A suite of tests for each kind of server; where one is missing, the suite's name says what to install. One server for all tests of a suite. */
export function describeServers(name: string, define: (suite: ServerSuite, kind: ServerKind) => void): void {
  for (const kind of serverKinds()) {
    const what = `${name}: ${kind.name}`
    describe.skipIf(kind.missing !== null)(kind.missing === null ? what : `${what} (skipped: ${kind.missing})`, () => {
      let started: ServerSuite | null = null
      beforeAll(async () => {
        const server = await kind.start()
        started = { server, databases: new MysqlDatabases(server) }
      }, 120_000)
      afterAll(async () => {
        await started?.databases.close()
        await started?.server.stop()
        removeUnusedData()
      })
      const suite = () => {
        if (started === null) throw new Error('the server is started before the first test')
        return started
      }
      define(
        {
          get server() {
            return suite().server
          },
          get databases() {
            return suite().databases
          },
        },
        kind,
      )
    })
  }
}
