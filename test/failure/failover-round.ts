import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerKind } from '../servers/support/mysql-servers.ts'
import { type RedisKind, RedisServer } from '../servers/support/redis-servers.ts'
import { ReplicatedPair } from '../servers/support/replicated-pair.ts'
import { getJson, openPoll, send, settledResults, type TestPoll, until } from '../support/client.ts'
import { ServerProcesses } from '../support/server-processes.ts'
import { repository, type StandaloneProcess } from '../support/standalone-process.ts'
import { TcpGate } from '../support/tcp-gate.ts'
import { AsOfWatch, Crowd, optionsOf, RedisWitness } from './failover-voters.ts'

/** How far the replica is behind when it is promoted. */
const lagSeconds = 5

/** What makes a round different from the plainest one. */
export interface RoundKind {
  readonly name: string
  /** Default: 15 minutes, as everywhere. */
  readonly replayWindowSeconds?: number
  /** The window is shorter than the lag: ballots are lost, and the product must say which. */
  readonly losesBallots?: boolean
  /** A consumer is killed just after the promotion, and started again as an orchestrator does. */
  readonly killsConsumer?: boolean
  /** A consumer dies long before the primary, and nobody takes what it holds: the low water stands still meanwhile. */
  readonly leavesEntryHeld?: boolean
  /** Results are read by the primary's name too, so that what is shown comes from another server after the switch. */
  readonly readsFromPrimary?: boolean
  /** Redis starts again just before the primary's end, which is a new epoch that the replica does not know, and once more after the switch. */
  readonly restartsRedis?: boolean
  /** The replica has the newest low water, and lacks only what was committed after it: less than a second. */
  readonly lagsLessThanABeat?: boolean
}

export interface Findings {
  acknowledged: number
  /** Voters that the primary had and the promoted replica had not. */
  takenBack: number
  /** Entries of the queue that were counted again. */
  countedAgain: number
  /** Acknowledged ballots that are neither counted nor replaced. */
  lost: number
  double: number
  /** What else was not as it must be. */
  readonly faults: string[]
  /** Answers to ballots that were no 202. Each one is a fault, unless Redis itself stood still then. */
  refused: number
  redisStoodStillMs: number
  /** What may help to understand, and is no fault. */
  readonly notes: string[]
  asOfOldestMs: number
  unreadableMs: number
  /** From the primary's end until all is counted again and shown. */
  settledMs: number
}

export async function failoverRound(server: ServerKind, redisKind: RedisKind, kind: RoundKind): Promise<Findings> {
  const round = new Round(kind)
  try {
    await round.start(server, redisKind)
    return await round.run()
  } finally {
    await round.end()
  }
}

class Round {
  readonly #kind: RoundKind
  readonly #findings: Findings = {
    acknowledged: 0,
    takenBack: 0,
    countedAgain: 0,
    lost: 0,
    double: 0,
    faults: [],
    refused: 0,
    redisStoodStillMs: 0,
    notes: [],
    asOfOldestMs: 0,
    unreadableMs: 0,
    settledMs: 0,
  }
  readonly #consumers: StandaloneProcess[] = []
  readonly #endings: (() => unknown)[] = []
  #pair!: ReplicatedPair
  #redis!: RedisServer
  #witness!: RedisWitness
  /** What a virtual address, a DNS name or a proxy is in production: leads to whoever is the primary now. */
  #gate!: TcpGate
  #urna!: ServerProcesses
  #database = ''
  #api!: StandaloneProcess
  #poll!: TestPoll
  #crowd!: Crowd

  constructor(kind: RoundKind) {
    this.#kind = kind
  }

  /** Everything of a round is new: servers, data, processes. */
  async start(server: ServerKind, redisKind: RedisKind): Promise<void> {
    const pair = await ReplicatedPair.start(server)
    this.#pair = pair
    this.#endings.push(() => pair.stop())
    const redis = await RedisServer.start(redisKind)
    this.#redis = redis
    this.#witness = new RedisWitness(redis)
    this.#endings.push(() => redis.remove())
    const gate = await TcpGate.open(pair.primary.connection.port)
    this.#gate = gate
    this.#endings.push(() => gate.shut())

    this.#database = await pair.primary.createDatabase()
    const urna = new ServerProcesses({
      database: this.#database,
      primary: { ...pair.primary.connection, port: gate.port },
      ...(this.#kind.readsFromPrimary !== true && { replica: pair.replica.connection }),
      queue: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) },
    })
    this.#urna = urna
    this.#endings.push(() => urna.stopAll())
    await urna.prepare()
    await pair.caughtUp()

    const dying = this.#kind.leavesEntryHeld === true ? { CRASH_AT: 'before-commit:8' } : {}
    // Two janitors leave hardly any time between two beats.
    const numbers = this.#kind.lagsLessThanABeat === true ? [1] : [1, 2]
    const [api, ...consumers] = await Promise.all([
      urna.api(),
      ...numbers.map((number) => this.#consumer(number, number === 2 ? dying : {})),
    ])
    this.#api = api
    await Promise.all([api, ...consumers].map((started) => started.ready()))
    // An api is ready without a database; to open a poll it needs one.
    await until(async () => ((await send('GET', `${api.url}/readyz`)).text.includes('"database":{"ok":true}') ? true : null))
    this.#poll = await openPoll(api.url, {
      title: 'Failover test',
      questions: [{ text: 'Which?', options: [{ text: 'one' }, { text: 'two' }, { text: 'three' }] }],
    })
    await pair.caughtUp()
    if (this.#kind.lagsLessThanABeat !== true) await pair.lagBehind(lagSeconds)
    this.#crowd = new Crowd(api.url, this.#poll)
    this.#endings.push(() => this.#crowd.giveUp())
  }

  async run(): Promise<Findings> {
    const findings = this.#findings
    const watch = new AsOfWatch(this.#api.url, this.#poll, this.#crowd, { coversAll: this.#kind.losesBallots !== true })
    this.#endings.push(() => watch.end())
    const witness = this.#witness
    this.#endings.push(() => witness.end())
    this.#crowd.start()
    watch.start()
    witness.start()
    await this.#loadUntilTheEnd()

    const counted = await this.#pair.primary.query<{ voter_key: Buffer }>('select voter_key from ballots', [], this.#database)
    await this.#pair.primary.kill()
    const killedAtMs = Date.now()
    await this.#pair.promote()
    const kept = await this.#pair.replica.query<{ voter_key: Buffer }>('select voter_key from ballots', [], this.#database)
    findings.takenBack = counted.length - kept.length
    if (findings.takenBack < 1) findings.faults.push('the promoted replica lacked nothing: this round shows nothing')
    this.#gate.leadTo(this.#pair.replica.connection.port)
    await this.#afterTheSwitch()

    await delay(2_000)
    await this.#crowd.end()
    await this.#checkTotals().catch((error: Error) => findings.faults.push(`the results do not settle: ${error.message}`))
    findings.settledMs = Date.now() - killedAtMs
    await watch.end()
    await witness.end()
    await this.#checkReceipts()
    await this.#checkRecount()
    await this.#checkWhatWasSaid()

    findings.acknowledged = this.#crowd.acknowledged
    findings.asOfOldestMs = watch.oldestMs
    findings.unreadableMs = watch.unreadableMs
    findings.faults.push(...watch.faults)
    if (watch.reads < 20) findings.faults.push(`the results were read only ${watch.reads} times`)
    findings.refused = this.#crowd.refusals.length
    findings.redisStoodStillMs = witness.longestMs
    const unexplained = this.#crowd.refusals.filter((refusal) => !witness.explains(refusal))
    for (const refusal of unexplained) {
      const [sent, answered] = [refusal.sentAtMs, refusal.answeredAtMs].map((ms) => ((ms - killedAtMs) / 1_000).toFixed(1))
      findings.faults.push(`a ballot sent ${sent} s after the kill was answered at ${answered} s: ${refusal.what}`)
    }
    if (unexplained.length > 0) findings.notes.push(...warningsOf(this.#api))
    return findings
  }

  async end(): Promise<void> {
    for (const ending of this.#endings.reverse()) await ending()
  }

  async #consumer(number: number, environment: Record<string, string> = {}): Promise<StandaloneProcess> {
    const { replayWindowSeconds } = this.#kind
    const consumer = await this.#urna.consumer({
      CONSUMER_NAME: `consumer-${number}`,
      CONSUMER_SHARD: String(number),
      ...(replayWindowSeconds !== undefined && { REPLAY_WINDOW_SECONDS: String(replayWindowSeconds) }),
      ...environment,
    })
    this.#consumers.push(consumer)
    return consumer
  }

  /** Long enough that the replica has some of it and lacks the rest; and where the window is short, that entries are trimmed. */
  async #loadUntilTheEnd(): Promise<void> {
    const { replayWindowSeconds, leavesEntryHeld, lagsLessThanABeat, restartsRedis } = this.#kind
    if (lagsLessThanABeat === true) {
      await delay(2_500)
      await this.#stopApplyingBetweenBeats()
      return
    }
    await delay(((replayWindowSeconds ?? 0) > lagSeconds ? (replayWindowSeconds ?? 0) + 3.5 : lagSeconds + 2) * 1_000)
    if (restartsRedis === true) {
      await this.#restartRedis()
      await delay(2_500)
    }
    if (leavesEntryHeld === true && this.#consumers[1]?.hasExited !== true) throw new Error('the consumer that was to die lives')
    if (replayWindowSeconds !== undefined && (await this.#queueHash('trimmed')) === null) {
      this.#findings.faults.push('nothing was trimmed: this round does not show what a short window does')
    }
  }

  /** The replica has the newest row of the low water, and ballots were counted after it that it has not. */
  async #stopApplyingBetweenBeats(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const before = await this.#replicasBeat()
      await until(async () => ((await this.#replicasBeat()) > before ? true : null))
      await this.#pair.stopApplying()
      const beat = await this.#replicasBeat()
      await delay(250)
      if ((await this.#copysBeat()) === beat) return
      await this.#pair.resumeApplying()
      await this.#pair.caughtUp()
    }
    throw new Error('no moment between two beats was found')
  }

  async #replicasBeat(): Promise<number> {
    const [row] = await this.#pair.replica.query<{ beat: number }>('select max(beat) as beat from low_water', [], this.#database)
    return Number(row?.beat ?? 0)
  }

  async #copysBeat(): Promise<number> {
    return (JSON.parse((await this.#queueHash('low_water')) ?? '{}') as { beat?: number }).beat ?? 0
  }

  async #queueHash(field: string): Promise<string | null> {
    return (await this.#redis.ask(['HGET', '{urna:0}:queue', field])) as string | null
  }

  async #afterTheSwitch(): Promise<void> {
    const { killsConsumer, leavesEntryHeld, lagsLessThanABeat, restartsRedis } = this.#kind
    if (lagsLessThanABeat === true) await this.#consumer(2)
    if (killsConsumer === true) await this.#consumers[0]?.stop('SIGKILL')
    // What has ended is started again, as an orchestrator does.
    if (killsConsumer === true) await this.#consumer(1)
    if (restartsRedis === true) {
      await delay(2_500)
      await this.#restartRedis()
    }
    if (leavesEntryHeld === true) {
      await delay(3_000)
      await this.#consumer(2)
    }
  }

  async #restartRedis(): Promise<void> {
    const fromMs = Date.now()
    await this.#redis.restart()
    this.#witness.wasAway(fromMs, Date.now())
  }

  /** Results against what the voters were told. */
  async #checkTotals(): Promise<void> {
    if (this.#kind.losesBallots === true) {
      await settledResults(this.#api.url, this.#poll.id)
      return
    }
    const { voters } = this.#crowd
    const expected = Array.from({ length: optionsOf }, () => 0)
    for (const { acknowledged } of voters) {
      const at = (acknowledged.at(-1)?.option ?? 0) - 1
      expected[at] = (expected[at] ?? 0) + 1
    }
    const { turnout, questions } = await settledResults(this.#api.url, this.#poll.id)
    const totals = questions[0]?.options.map(({ total }) => total)
    this.#findings.double += Math.max(0, turnout - voters.length)
    if (turnout !== voters.length || JSON.stringify(totals) !== JSON.stringify(expected)) {
      this.#findings.faults.push(`turnout ${turnout} of ${voters.length} voters, totals ${totals}, expected ${expected}`)
    }
  }

  /** Every receipt, asked one by one. */
  async #checkReceipts(): Promise<void> {
    const statuses = new Map<string, string>()
    const receipts = this.#crowd.voters.flatMap(({ acknowledged }) => acknowledged.map(({ receipt }) => receipt))
    const asked = receipts[Symbol.iterator]()
    const askOn = async () => {
      for (const receipt of asked) statuses.set(receipt, await this.#statusOf(receipt))
    }
    await Promise.all(Array.from({ length: 16 }, askOn))
    let countedVoters = 0
    for (const { acknowledged } of this.#crowd.voters) {
      const said = acknowledged.map(({ receipt }) => statuses.get(receipt))
      countedVoters += said.filter((status) => status === 'counted').length
      for (const [index, status] of said.entries()) {
        if (status === 'lost') this.#findings.lost++
        const expected = index === said.length - 1 ? 'counted' : 'replaced'
        if (this.#kind.losesBallots === true ? !['counted', 'replaced', 'lost'].includes(status ?? '') : status !== expected) {
          this.#findings.faults.push(`a receipt says ${status}, expected ${expected}`)
        }
      }
    }
    const { turnout } = await getJson<{ turnout: number }>(`${this.#api.url}/v1/polls/${this.#poll.id}/results`)
    if (turnout !== countedVoters) this.#findings.faults.push(`turnout ${turnout}, and ${countedVoters} receipts say counted`)
  }

  async #statusOf(receipt: string): Promise<string> {
    const answer = await send('GET', `${this.#api.url}/v1/receipts/${receipt}`)
    return answer.status === 200 ? (JSON.parse(answer.text) as { status: string }).status : `HTTP ${answer.status}`
  }

  /** The stored tallies against the ballots themselves, on the promoted server. */
  async #checkRecount(): Promise<void> {
    const { host, port, user, password } = this.#pair.replica.connection
    const environment = {
      PATH: process.env.PATH,
      DB_HOST: host,
      DB_PORT: String(port),
      DB_USER: user,
      DB_PASSWORD: password,
      DB_DATABASE: this.#database,
      MASTER_KEY: this.#urna.masterKey.toString('base64'),
      LOG_LEVEL: 'warn',
    }
    const output = await new Promise<string | null>((resolve) => {
      const options = { cwd: repository, env: environment, timeout: 30_000 }
      execFile(process.execPath, ['apps/jobs/src/main.ts', 'recount'], options, (error, stdout, stderr) =>
        resolve(error === null ? null : `${stdout}${stderr}`),
      )
    })
    if (output !== null) this.#findings.faults.push(`recount: ${output}`)
  }

  /** A rewind raises an alarm, and is counted; where something is lost, it says so. */
  async #checkWhatWasSaid(): Promise<void> {
    const lines = this.#consumers.flatMap(({ output }) => output.split('\n').filter((line) => line.includes('are counted again')))
    const alarms = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
    for (const alarm of alarms) this.#findings.countedAgain += Number(/(\d+) entries are counted again/.exec(alarm)?.[1] ?? 0)
    const expected = this.#kind.lagsLessThanABeat === true ? 'another database server' : 'the database is older'
    if (!alarms.some((alarm) => alarm.includes(expected))) this.#findings.faults.push(`no alarm says "${expected}"`)
    const gap = alarms.some((alarm) => alarm.includes('entries in between are gone'))
    if (gap !== (this.#kind.losesBallots === true)) this.#findings.faults.push(`the alarm speaks of a gap: ${gap}`)
    if (this.#kind.losesBallots === true && this.#findings.lost === 0) this.#findings.faults.push('no receipt says lost')
    let rewinds = 0
    for (const consumer of this.#consumers.filter(({ hasExited }) => !hasExited)) {
      const { text } = await send('GET', `${consumer.url}/metrics`)
      rewinds += Number(/^urna_queue_rewinds_total\S* (\d+)/m.exec(text)?.[1] ?? 0)
    }
    // A consumer that was killed has taken its counter along.
    if (rewinds === 0 && this.#kind.killsConsumer !== true) this.#findings.faults.push('urna_queue_rewinds_total is 0')
  }
}

function warningsOf(started: StandaloneProcess): string[] {
  return started.output
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line))
    .map((line) => line.slice(0, 300))
}
