import { setTimeout as delay } from 'node:timers/promises'
import { type AdminAddress, type AdminConnection, type AdminOptions, ServerError } from './admin-connection.ts'
import { compareData } from './compare-data.ts'
import { MariadbReplication } from './mariadb-replication.ts'
import { MysqlReplication } from './mysql-replication.ts'
import { openPatiently } from './open-patiently.ts'
import { ReplicationError } from './replication-error.ts'
import { describePair, type ReplicationReport } from './replication-report.ts'
import type { MissingSetting, ReplicaState, ReplicationServer, Role, SemiSyncState, Source } from './replication-server.ts'
import { type Account, ensureReplicator } from './replicator.ts'
import { withServerLock } from './server-lock.ts'
import { ReceiverError, untilItFollows } from './until-it-follows.ts'

export interface ReplicationRequest {
  readonly primary: AdminAddress
  readonly replica: AdminAddress
  /** Of both servers. */
  readonly administrator: Account
  /** By which the replica reads from the primary; it is made. */
  readonly replicator: Account
  /** The primary as the replica reaches it. */
  readonly source: AdminAddress
  /** Who reads results, and where: is let in by the replica as by the primary. */
  readonly reader: Account & { readonly database: string }
  readonly tls: AdminOptions['tls']
  readonly connectTimeoutMs: number
  /** How long a server may be away, and then how long the replica may take to catch up. */
  readonly waitMs: number
  /** Removes all databases of the replica first. */
  readonly forceEmpty: boolean
  /** What is being done. */
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

const statementTimeoutMs = 60_000
const versionMin = { MySQL: [8, 4], MariaDB: [10, 5] }

interface Pair {
  readonly primary: ReplicationServer
  readonly replica: ReplicationServer
}

/**
 * Makes one server the replica of another, or sees that it is: a second run changes nothing. Throws {@link ReplicationError} and
 * {@link ServerError}, whose messages are for the person at the terminal.
 */
export async function setUpReplication(request: ReplicationRequest): Promise<ReplicationReport> {
  const connections: AdminConnection[] = []
  const closeAll = () => {
    for (const connection of connections) connection.close()
  }
  request.signal.addEventListener('abort', closeAll)
  try {
    const primary = await open('primary', request, connections)
    const replica = await open('replica', request, connections)
    // Two at once would stop and start the replica under each other's hands.
    const lock = optionsFor(request, 'replica', request.administrator)
    return await withServerLock(lock, 'set up replication', request, () => setUp({ primary, replica }, request))
  } finally {
    request.signal.removeEventListener('abort', closeAll)
    closeAll()
  }
}

async function open(role: Role, request: ReplicationRequest, connections: AdminConnection[]): Promise<ReplicationServer> {
  const connection = await openPatiently(optionsFor(request, role, request.administrator), request)
  connections.push(connection)
  const text = (await connection.value('select version()')) ?? ''
  const product = /mariadb/i.test(text) ? 'MariaDB' : 'MySQL'
  const version = /^[\d.]+/.exec(text)?.[0] ?? text
  const server = product === 'MySQL' ? new MysqlReplication(role, connection, version) : new MariadbReplication(role, connection, version)
  if (compareVersions(version, versionMin[product].join('.')) < 0) {
    throw new ReplicationError(`${server.label} is too old: ${versionMin[product].join('.')} or newer is needed.`)
  }
  return server
}

function optionsFor(request: ReplicationRequest, role: Role, account: Account): AdminOptions {
  const { tls, connectTimeoutMs } = request
  const { host, port } = request[role]
  return { name: `the ${role}`, host, port, ...account, tls, connectTimeoutMs, statementTimeoutMs }
}

async function setUp(pair: Pair, request: ReplicationRequest): Promise<ReplicationReport> {
  const { primary, replica } = pair
  const { say, waitMs, signal } = request
  const changes: string[] = []
  const changed = (line: string | null) => {
    if (line === null) return
    changes.push(line)
    say(line)
  }
  await refuseWhatIsNoPair(pair)
  await refuseMissingSettings(pair)

  const account = await ensureReplicator(primary, request.replicator, (user) => optionsFor(request, 'primary', user))
  changed(account.change)
  const source: Source = { ...request.source, ...request.replicator, isEncrypted: await primary.encrypts() }
  const before = await replica.replicaState()
  const isNew = account.change !== null || before === null || !follows(before, source)
  const following = { primary, replica, source, waitMs, say, signal }
  const begin = async () => {
    const start = await startOf(pair, request, changed)
    if (before !== null && !isAt(before, source)) say(`the replica followed ${before.sourceHost}:${before.sourcePort} until now`)
    await replica.follow(source, start)
    changed(
      start === 'beginning'
        ? `made the empty replica follow ${source.host}:${source.port} from its beginning`
        : `made the replica follow ${source.host}:${source.port} from where it is`,
    )
    try {
      await untilItFollows({ ...following, heals: start === 'beginning' })
    } catch (error) {
      // A mistaken address must not end a replication that ran.
      if (error instanceof ReceiverError && start === 'goes-on' && before?.receiver === 'running' && !isAt(before, source)) {
        await replica.follow({ ...source, host: before.sourceHost, port: before.sourcePort }, start)
        say(`made the replica follow ${before.sourceHost}:${before.sourcePort} again`)
      }
      throw error
    }
    await compareData(pair, request.reader.database)
    changed(await letReaderIn(pair, request))
  }
  if (isNew) await begin()
  else await untilItFollows({ ...following, heals: false })

  const semiSync = [await primary.turnOnSemiSync(), await replica.turnOnSemiSync()]
  const turnedOn = semiSync.includes('turned-on')
  if (turnedOn) changed('turned on semi-synchronous replication on both')
  if (!(await replica.isReadOnly())) {
    await replica.setReadOnly(true)
    changed('made the replica refuse writes')
  }
  // Without a replica that confirms, the primary waits once for a second, and then for nobody.
  const confirms = async () => ((await semiSyncOnceConfirmed(primary))?.confirmingReplicas ?? 0) > 0
  if (!semiSync.includes('not-there') && (turnedOn || !(await confirms()))) {
    await replica.restartReceiver()
    await untilItFollows({ ...following, heals: false })
  }
  return {
    ...(await reportOf(pair, source)),
    changes,
    advice: [...(account.advice === null ? [] : [account.advice]), ...(await adviceOf([primary, replica]))],
  }
}

async function refuseWhatIsNoPair({ primary, replica }: Pair): Promise<void> {
  if (primary.product !== replica.product) {
    throw new ReplicationError(`${primary.label} and ${replica.label} are different products: neither can follow the other.`)
  }
  if (compareVersions(majorOf(replica.version), majorOf(primary.version)) < 0) {
    throw new ReplicationError(`${replica.label} is older than ${primary.label}: a replica must be of the same version or a newer one.`)
  }
  const [identity, other] = [await primary.identity(), await replica.identity()]
  if (identity !== null && identity === other) {
    const copied =
      primary.product === 'MySQL' ? 'remove auto.cnf from its data directory and restart it' : 'give it a data directory of its own'
    throw new ReplicationError(
      `${primary.label} and ${replica.label} are one and the same server (${identity}). If one runs on a copy of the other's files: ${copied}.`,
    )
  }
  if (await primary.isReadOnly()) {
    throw new ReplicationError(
      `${primary.label} takes no writes (it is read-only). Is it the replica? Then exchange DB_HOST and DB_REPLICA_HOST.`,
    )
  }
}

async function refuseMissingSettings({ primary, replica }: Pair): Promise<void> {
  const [primaryId, replicaId] = [await primary.serverId(), await replica.serverId()]
  const missing = [
    [primary, await primary.missingSettings(replicaId)] as const,
    [replica, await replica.missingSettings(primaryId)] as const,
  ].filter(([, settings]) => settings.length > 0)
  if (missing.length === 0) return
  throw new ReplicationError(
    missing
      .map(
        ([server, settings]) =>
          `${capital(server.label)} cannot replicate with its settings. Put this into its configuration and restart it:\n${configurationLines(settings)}`,
      )
      .join('\n'),
  )
}

export function configurationLines(settings: readonly MissingSetting[]): string {
  return ['  [mysqld]', ...settings.map(({ name, wanted, value }) => `  ${name} = ${wanted}    # is ${value}`)].join('\n')
}

function isAt(state: ReplicaState, { host, port }: Source): boolean {
  return state.sourceHost === '' || (state.sourceHost === host && state.sourcePort === port)
}

function follows(state: ReplicaState, source: Source): boolean {
  return (
    state.sourceHost === source.host &&
    state.sourcePort === source.port &&
    state.user === source.user &&
    state.byGtid &&
    state.isEncrypted === source.isEncrypted &&
    state.receiver === 'running' &&
    state.applier === 'running'
  )
}

async function startOf(pair: Pair, request: ReplicationRequest, changed: (line: string) => void): Promise<'goes-on' | 'beginning'> {
  const { primary, replica } = pair
  let start = await primary.startingPoint(replica)
  if (start.kind === 'goes-on') {
    const [here, there] = [await masterKeyOf(primary, request), await masterKeyOf(replica, request)]
    if (here !== null && there !== null && here !== there) {
      start = { kind: 'other-data', why: `its database ${request.reader.database} belongs to another installation` }
    }
  }
  if (request.forceEmpty) {
    const state = await replica.replicaState()
    const isStuck = start.kind === 'goes-on' && state?.applier === 'stopped' && state.applierError !== null
    if (start.kind === 'other-data' || isStuck) {
      await refuseToEmpty(pair, request)
      const databases = await replica.databases()
      if (state !== null) await replica.stopReplica()
      await replica.dropDatabases()
      changed(`removed from the replica: ${databases.join(', ') || 'nothing'}`)
      start = await primary.startingPoint(replica)
    } else if (start.kind === 'goes-on') {
      request.say("nothing was removed from the replica: its data are an earlier state of the primary's")
    }
  }
  if (start.kind === 'other-data') {
    const tables = [...(await replica.tables())].map(([database, names]) => `${database} (${names.length} tables)`).join(', ')
    throw new ReplicationError(
      `${capital(replica.label)} has data that are not the primary's: ${start.why}. It holds ${tables}.\n` +
        `Is it the primary now, as after a failover? Then set DB_HOST to it. To lose all of that and make it a replica: set-up-replication --force-empty ${replica.connection.address}`,
    )
  }
  if (start.kind === 'needs-copy') throw needsCopy(pair, request, start.why)
  return start.kind
}

function needsCopy({ primary, replica }: Pair, request: ReplicationRequest, why: string): ReplicationError {
  const commands = replica.copyInstructions(primary, request.primary).map((line) => `  ${line}`)
  return new ReplicationError(
    `${capital(primary.label)} cannot tell a replica everything: ${why}. Copy its data once, then start this again:\n${commands.join('\n')}`,
  )
}

/** Before anything is removed: whether that could be the wrong server's, and whether the replica gets everything back. */
async function refuseToEmpty(pair: Pair, request: ReplicationRequest): Promise<void> {
  const { primary, replica } = pair
  const exchanged = 'Are DB_HOST and DB_REPLICA_HOST exchanged? Nothing was removed.'
  if (await replica.hasReplicas()) {
    throw new ReplicationError(`Another server replicates from ${replica.label}, which is to be emptied. ${exchanged}`)
  }
  const above = await primary.replicaState()
  if (above !== null && above.sourceHost !== '') {
    throw new ReplicationError(`${capital(primary.label)} is itself a replica, of ${above.sourceHost}:${above.sourcePort}. ${exchanged}`)
  }
  const begin = await primary.logsBeginAfter()
  if (begin !== '') throw needsCopy(pair, request, `its binary logs begin after ${begin}`)
}

/** Tells installations apart; null: there is none. */
async function masterKeyOf({ connection }: ReplicationServer, { reader }: ReplicationRequest): Promise<string | null> {
  const there = await connection.value("select 1 from information_schema.tables where table_schema = ? and table_name = 'settings'", [
    reader.database,
  ])
  if (there === null) return null
  return connection.value(`select value from \`${reader.database}\`.settings where name = 'master_key_fingerprint'`)
}

/**
 * The primary may have got its users before its binary logs began: then the replica does not have them. Who reads results is given to it.
 */
async function letReaderIn({ primary, replica }: Pair, request: ReplicationRequest): Promise<string | null> {
  const { user } = request.reader
  const there = await replica.hostsOf(user)
  const missing = (await primary.hostsOf(user)).filter((host) => !there.includes(host))
  if (missing.length === 0) return null
  for (const host of missing) {
    const statements = await primary.accountStatements(user, host)
    await replica.writable(() =>
      replica.unlogged(async () => {
        for (const statement of statements) await replica.connection.run(statement, [], { secret: true })
      }),
    )
  }
  return `gave the replica the user ${user}, as it is on the primary`
}

async function reportOf({ primary, replica }: Pair, source: Source): Promise<Pick<ReplicationReport, 'runs' | 'lines'>> {
  const seenOf = async (server: ReplicationServer) => ({
    product: server.product,
    version: server.version,
    serverId: await server.serverId(),
    position: await server.position(),
  })
  return describePair({
    sourceAddress: `${source.host}:${source.port}`,
    primary: { ...(await seenOf(primary)), semiSync: await semiSyncOnceConfirmed(primary) },
    replica: {
      ...(await seenOf(replica)),
      address: replica.connection.address,
      isReadOnly: await replica.isReadOnly(),
      state: await replica.replicaState(),
    },
  })
}

/** A receiver that was just started is not known at once as one that confirms. */
async function semiSyncOnceConfirmed(primary: ReplicationServer): Promise<SemiSyncState | null> {
  for (let attempt = 1; ; attempt++) {
    const state = await primary.semiSyncState()
    if (state === null || state.confirmingReplicas > 0 || attempt === 30) return state
    await delay(100)
  }
}

async function adviceOf(servers: readonly ReplicationServer[]): Promise<string[]> {
  const advice: string[] = []
  for (const server of servers) {
    const settings = await server.settingsToKeep()
    if (settings.length === 0) continue
    const lines = ['  [mysqld]', ...settings.map(({ name, wanted }) => `  ${name} = ${wanted}`)].join('\n')
    advice.push(`${capital(server.label)} forgets this when it restarts. Put it into its configuration too:\n${lines}`)
  }
  return advice
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function majorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number))
  for (let index = 0; index < Math.max(a?.length ?? 0, b?.length ?? 0); index++) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
