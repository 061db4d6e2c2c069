import { randomBytes } from 'node:crypto'
import { openMasterKey, systemClock, systemIds } from '@urna/core'
import { migrate, openMysqlPrimary, SqlPollRepository, SqlSettings } from '@urna/database'
import { prepareInstallation } from '@urna/jobs'
import { freePort } from './free-port.ts'
import { type StandaloneOptions, StandaloneProcess } from './standalone-process.ts'

export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
}

export interface ServersInUse {
  readonly database: string
  readonly primary: DatabaseAddress
  readonly replica?: DatabaseAddress
  /** Settings of the ballot queue. */
  readonly queue: Readonly<Record<string, string>>
}

type HowToStart = Pick<StandaloneOptions, 'command'>

/** The apps of the server size as processes, on servers that a test has started. They share what an installation shares. */
export class ServerProcesses {
  readonly masterKey = randomBytes(32)
  readonly #servers: ServersInUse
  readonly #processes: StandaloneProcess[] = []
  #consumers = 0

  constructor(servers: ServersInUse) {
    this.#servers = servers
  }

  /** Tables, fingerprint and demo polls, as the migration makes them. */
  async prepare({ masterKey = this.masterKey } = {}): Promise<void> {
    const { primary, database } = this.#servers
    const opened = openMysqlPrimary({ ...primary, database })
    try {
      await migrate(opened)
      const key = openMasterKey(masterKey)
      const [polls, settings] = [new SqlPollRepository(opened, { auditHmac: key.auditHmac }), new SqlSettings(opened)]
      await prepareInstallation({ polls, settings, masterKey: key, clock: systemClock, ids: systemIds })
    } finally {
      await opened.close()
    }
  }

  /** Not ready yet. */
  async api(environment: Record<string, string> = {}, how: HowToStart = {}): Promise<StandaloneProcess> {
    return this.#start('api', environment, how)
  }

  async consumer(environment: Record<string, string> = {}, how: HowToStart = {}): Promise<StandaloneProcess> {
    const number = ++this.#consumers
    return this.#start('consumer', { CONSUMER_NAME: `consumer-${number}`, ...environment }, how)
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#processes.splice(0).map((started) => started.stop('SIGKILL')))
  }

  async #start(app: 'api' | 'consumer', environment: Record<string, string>, how: HowToStart): Promise<StandaloneProcess> {
    const { primary, replica, database, queue } = this.#servers
    const started = new StandaloneProcess({
      dataDirectory: '/nonexistent',
      port: await freePort(),
      command: [process.execPath, `apps/${app}/src/main.ts`],
      ...how,
      environment: {
        DB_HOST: primary.host,
        DB_PORT: String(primary.port),
        DB_USER: primary.user,
        DB_PASSWORD: primary.password,
        DB_DATABASE: database,
        ...(replica !== undefined && { DB_REPLICA_HOST: replica.host, DB_REPLICA_PORT: String(replica.port) }),
        MASTER_KEY: this.masterKey.toString('base64'),
        LOG_LEVEL: 'info',
        // All visitors of a test come from one address.
        REQUESTS_PER_SECOND: 'off',
        ...queue,
        ...environment,
      },
    })
    this.#processes.push(started)
    return started
  }
}
