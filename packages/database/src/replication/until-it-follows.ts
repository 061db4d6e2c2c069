import { setTimeout as delay } from 'node:timers/promises'
import { hideRowValues } from './hide-row-values.ts'
import { ReplicationError } from './replication-error.ts'
import { quoted, type ReplicationServer, type Source, type ThreadError } from './replication-server.ts'

interface Following {
  readonly primary: ReplicationServer
  readonly replica: ReplicationServer
  readonly source: Source
  /** The replica was empty and goes through the primary's whole history: what only differs in how both were first started is mended. */
  readonly heals: boolean
  readonly waitMs: number
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

const pauseMs = 250
const sayEveryMs = 5_000
const connectMsMax = 30_000
/** How long it may take until the first transaction is applied, also where less is waited for all of them. */
const firstMoveMs = 5_000
const healingsMax = 100

const databaseExists = 1007
const unknownDatabase = 1049
const accountStatementFailed = 1396

/** The replica does not get anything from its source. */
export class ReceiverError extends ReplicationError {
  override name = 'ReceiverError'
}

/**
 * Resolves when both threads run and the replica has everything that the primary had when this began, or when `waitMs` are over and it
 * is on its way, having applied something or being told to wait. Throws {@link ReplicationError} when it does not follow.
 */
export async function untilItFollows(following: Following): Promise<void> {
  const { primary, replica, waitMs, say, signal } = following
  const target = await primary.position()
  const startedMs = performance.now()
  let saidMs = 0
  let healings = 0
  let first: string | null = null
  for (;;) {
    signal.throwIfAborted()
    const state = await replica.replicaState()
    if (state === null) throw new ReplicationError(`${replica.label} was made a replica, and is none.`)
    const waitedMs = performance.now() - startedMs
    if (state.applierError !== null && state.applier === 'stopped') {
      if (!following.heals || ++healings > healingsMax || !(await heal(replica, state.applierError, say))) {
        throw applierStopped(following, state.applierError)
      }
      continue
    }
    const gaveUp = state.receiver === 'stopped' && state.receiverError !== null
    if (gaveUp || (state.receiver !== 'running' && waitedMs > Math.min(connectMsMax, waitMs))) {
      throw receiverFails(following, state.receiverError)
    }
    const applied = await replica.position()
    first ??= applied
    const hasMoved = applied !== first || state.delaySeconds > 0
    const isRunning = state.receiver === 'running' && state.applier === 'running'
    if (isRunning && (await replica.includes(applied, target))) return
    if (waitedMs > waitMs) {
      if (!isRunning) throw new ReplicationError(`${replica.label} does not apply what it reads: its applier is ${state.applier}.`)
      if (hasMoved) return
      if (waitedMs > firstMoveMs) throw await appliesNothing(following, { applied, target, waitedMs })
    }
    if (waitedMs - saidMs > sayEveryMs) {
      saidMs = waitedMs
      say(`the replica is at ${applied || 'its beginning'}, the primary at ${target}`)
    }
    await delay(pauseMs, undefined, { signal })
  }
}

/** Both threads run and say nothing, as where a server takes for its own what it reads. */
async function appliesNothing(
  { replica }: Following,
  { applied, target, waitedMs }: { applied: string; target: string; waitedMs: number },
): Promise<ReplicationError> {
  return new ReplicationError(
    `${replica.label} has applied nothing for ${Math.round(waitedMs / 1_000)} s: it is at ${applied || 'its beginning'}, the primary at ${target}.\n` +
      `A server skips what was once written under its own server_id, which is ${await replica.serverId()}: give it one that no server here ever had. ` +
      'Or it is at one large transaction: then start this again later.',
  )
}

/**
 * Servers in containers are given a database and users when they first start, some of them outside of the binary log. What the primary's history
 * makes again is left out, and a database that it takes for granted is made.
 */
async function heal(replica: ReplicationServer, error: ThreadError, say: (line: string) => void): Promise<boolean> {
  if (error.number === unknownDatabase) {
    const name = /Unknown database '([^']+)'/.exec(error.text)?.[1]
    if (name === undefined) return false
    await replica.writable(() => replica.unlogged(() => replica.connection.run(`create database ${quoted(name)}`)))
    await replica.startReplica()
    say(`made the database ${name} on the replica`)
    return true
  }
  const isThere = error.number === databaseExists || (error.number === accountStatementFailed && error.text.includes('CREATE USER'))
  if (!isThere) return false
  await replica.writable(() => replica.skipTransaction(error))
  say(`left out what the replica has already: ${statementIn(error)}`)
  return true
}

/** What the applier complains of, without the statement itself, which may carry the hash of a password. */
function statementIn({ text }: ThreadError): string {
  return hideRowValues(/Error '(.+?)' on query/.exec(text)?.[1] ?? 'one statement')
}

function applierStopped({ replica, heals }: Following, { number, text }: ThreadError): ReplicationError {
  const hint = heals
    ? '\nThe primary had data before its binary logs began: copy them to the replica once (mysqldump or mariadb-dump), then start this again.'
    : `\nIts data are not those that the primary expects. To make it anew: set-up-replication --force-empty ${replica.connection.address}`
  return new ReplicationError(`${replica.label} has stopped at a transaction (${number}): ${hideRowValues(text)}${hint}`)
}

const logsPurged = 1236
const sameServer = 1593

function receiverFails({ replica, source }: Following, error: ThreadError | null): ReceiverError {
  const where = `${source.host}:${source.port}`
  if (error === null) return new ReceiverError(`${replica.label} does not connect to ${where}.`)
  const hint =
    error.number === logsPurged
      ? "The primary's binary logs do not go back far enough: copy its data to the replica once (mysqldump or mariadb-dump), then start this again."
      : error.number === sameServer
        ? 'Both have one identity: see that server_id and, on MySQL, auto.cnf differ.'
        : `Is ${where} the primary as the replica reaches it? Else set REPLICATION_SOURCE_HOST and REPLICATION_SOURCE_PORT.`
  return new ReceiverError(`${replica.label} does not read from ${where} (${error.number}): ${hideRowValues(error.text)}\n${hint}`)
}
