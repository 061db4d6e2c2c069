import { spawnSync } from 'node:child_process'
import { existsSync, renameSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { baseEnvironment, type Environment } from './environment.ts'
import { ClusterError } from './errors.ts'
import { ClusterFolder, findUser, isReachableByAll, writeWhole } from './folder.ts'
import { logBytesMax } from './log-file.ts'
import { planMysqlServer } from './mysql.ts'
import { originsOf, planNginx, requestLog, writeApiList } from './nginx.ts'
import type { ClusterOptions } from './options.ts'
import { assertFree, choosePorts, type Ports } from './ports.ts'
import { findPrograms, type Programs } from './programs.ts'
import { planRedis } from './redis.ts'
import { RunRecord } from './run-record.ts'
import { shellVariables } from './shell-variables.ts'
import { type ProcessPlan, Supervised, type SupervisedEvents } from './supervised.ts'
import { type ClusterRow, clusterTable } from './table.ts'
import { trafficTable } from './traffic.ts'
import { jobCommand, type Place, planApi, planConsumer, planCsv } from './urna-processes.ts'

const repository = resolve(import.meta.dirname, '../..')
const portsFile = 'ports.json'
/** So long an old worker of nginx may still send something to an api that is not in the list any more. */
const reloadMs = 1_000

type Group = 'api' | 'consumer'

export interface ClusterOutput {
  /** Something the cluster says itself. */
  say(line: string): void
  /** Something a process wrote. */
  print(name: string, line: string): void
}

/** All processes of one cluster, in the order in which they were started. */
export class Cluster {
  readonly #options: ClusterOptions
  readonly #output: ClusterOutput
  readonly #folder: ClusterFolder
  readonly #record: RunRecord
  readonly #ports: Ports
  readonly #programs: Programs
  readonly #place: Place
  readonly #portOf: Map<string, number>
  readonly #processes = new Map<string, Supervised>()
  /** In the load balancer's list. */
  readonly #apis: string[] = []
  /** Being removed. */
  readonly #leaving = new Set<string>()
  #isStopping = false

  private constructor(parts: {
    options: ClusterOptions
    output: ClusterOutput
    folder: ClusterFolder
    record: RunRecord
    ports: Ports
    programs: Programs
    place: Place
    portOf: Map<string, number>
  }) {
    this.#options = parts.options
    this.#output = parts.output
    this.#folder = parts.folder
    this.#record = parts.record
    this.#ports = parts.ports
    this.#programs = parts.programs
    this.#place = parts.place
    this.#portOf = parts.portOf
  }

  /** Looks whether everything is there that the cluster needs; starts nothing yet. */
  static async prepare(options: ClusterOptions, environment: Environment, output: ClusterOutput): Promise<Cluster> {
    const programs = findPrograms(environment, output.say)
    const isOpenToServers = serverUser(options.folder) !== null
    const folder = new ClusterFolder(options.folder, { isOpenToServers })
    const record = RunRecord.begin(folder)
    const known = folder.readJson<Record<string, number>>(portsFile, {})
    const ports = choosePorts(options.ports, known, () => folder.writeJson(portsFile, known))
    const portOf = new Map<string, number>()
    for (const name of namesOf(options)) portOf.set(name, await ports.of(name))
    try {
      await assertFree([...portOf].map(([name, port]) => ({ name, port })))
    } catch (error) {
      record.end()
      throw error
    }
    const at = (name: string) => portOf.get(name) ?? 0
    const place: Place = {
      folder,
      repository,
      environment: baseEnvironment(environment),
      wiring: options.wiring,
      ports: { primary: at('primary'), replica: at('replica'), redis: at('redis'), pages: at('pages') },
    }
    return new Cluster({ options, output, folder, record, ports, programs, place, portOf })
  }

  get folder(): ClusterFolder {
    return this.#folder
  }

  /** Starts everything in order; resolves when all of it is ready. */
  async start(): Promise<void> {
    const { say } = this.#output
    say(`Starting primary, replica and Redis; their data is in ${this.#folder.path}`)
    await Promise.all([this.#startServer('primary'), this.#startServer('replica'), this.#startRedis()])
    say('Tables, and the replica as a copy of the primary')
    this.#runJob('migrate')
    this.#runJob('set-up-replication')
    say('Starting our own processes')
    const names = (group: Group, count: number) => Array.from({ length: count }, (_, index) => `${group}-${index + 1}`)
    const apis = names('api', this.#options.apis)
    await Promise.all([
      ...names('consumer', this.#options.consumers).map((name) => this.#startOwn(name)),
      ...apis.map((name) => this.#startOwn(name)),
      this.#startOwn('csv'),
    ])
    this.#apis.push(...apis)
    this.#writeApiList()
    await this.#startNginx()
    writeWhole(this.#folder.at('env.sh'), shellVariables(this.#place, this.#port('load-balancer')))
  }

  /** What came in first ends last, but the servers that all others need. Everything accepted is on disk, so nothing is lost with any order. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const own = [...this.#processes.keys()].filter((name) => !['nginx', 'redis', 'primary', 'replica'].includes(name))
    const apis = own.filter((name) => name.startsWith('api-'))
    const others = own.filter((name) => !apis.includes(name))
    for (const names of [['nginx'], apis, others, ['redis', 'replica'], ['primary']]) {
      await Promise.all(names.map((name) => this.#processes.get(name)?.stop()))
    }
    this.#record.end()
  }

  /** At once, as a power cut would. */
  killAll(): void {
    this.#isStopping = true
    for (const process_ of this.#processes.values()) process_.signal('SIGKILL')
  }

  table(): string {
    const rows = [...this.#processes.values()].map<ClusterRow>(({ name, pid }) => ({ name, pid, port: this.#portOf.get(name) ?? 0 }))
    return clusterTable(rows, {
      folder: this.#folder.path,
      loadBalancer: originsOf(this.#port('load-balancer'))[0] ?? '',
      pages: originsOf(this.#port('pages'))[0] ?? '',
      apis: this.#apis,
      wiring: this.#options.wiring,
    })
  }

  traffic(): string {
    const apis = this.#apis.map((name) => ({ name, address: `127.0.0.1:${this.#port(name)}` }))
    return trafficTable(requestLog(this.#folder), apis)
  }

  async startProcess(name: string): Promise<void> {
    await this.#known(name).start()
  }

  async stopProcess(name: string): Promise<void> {
    await this.#running(name).stop()
  }

  /** It has no time for anything; the cluster hears of it as of any other death. */
  killProcess(name: string): void {
    this.#running(name).signal('SIGKILL')
  }

  /** SIGSTOP and SIGCONT: it hangs, and goes on. */
  pauseProcess(name: string, pause: boolean): void {
    this.#running(name).signal(pause ? 'SIGSTOP' : 'SIGCONT')
  }

  /** Another one, as soon as it is ready; an api gets requests from then on. */
  async add(group: Group): Promise<string> {
    const numbers = [...this.#processes.keys()].map((name) => Number(new RegExp(`^${group}-(\\d+)$`).exec(name)?.[1] ?? 0))
    const name = `${group}-${Math.max(...numbers) + 1}`
    const port = await this.#ports.of(name)
    await assertFree([{ name, port }])
    this.#portOf.set(name, port)
    await this.#startOwn(name)
    if (group === 'api') {
      this.#apis.push(name)
      await this.#reloadNginx()
    }
    return name
  }

  /** The one that was added last, or the one named. An api gets no request any more before it ends. */
  async remove(group: Group, wanted: string | undefined): Promise<string> {
    const all = [...this.#processes.keys()].filter((name) => name.startsWith(`${group}-`))
    const name = wanted ?? all.at(-1) ?? ''
    if (!all.includes(name)) throw new ClusterError(`There is no ${name}. There are: ${all.join(', ')}`)
    if (all.length === 1) throw new ClusterError(`${name} is the last ${group}.`)
    if (group === 'api') {
      this.#apis.splice(this.#apis.indexOf(name), 1)
      await this.#reloadNginx()
    }
    this.#leaving.add(name)
    await this.#processes.get(name)?.stop()
    this.#leaving.delete(name)
    this.#processes.delete(name)
    this.#portOf.delete(name)
    return name
  }

  #port(name: string): number {
    return this.#portOf.get(name) ?? 0
  }

  #known(name: string): Supervised {
    const found = this.#processes.get(name)
    if (found === undefined) throw new ClusterError(`There is no process ${name}. There are: ${[...this.#processes.keys()].join(', ')}`)
    return found
  }

  #running(name: string): Supervised {
    const found = this.#known(name)
    if (found.pid === null) throw new ClusterError(`${name} does not run.`)
    return found
  }

  async #startServer(role: 'primary' | 'replica'): Promise<void> {
    const secrets = this.#folder.secrets()
    const user = serverUser(this.#folder.path)
    const { database: program } = this.#programs
    const { environment } = this.#place
    await this.#supervise(planMysqlServer({ role, port: this.#port(role), folder: this.#folder, program, secrets, user, environment }))
  }

  async #startRedis(): Promise<void> {
    const { environment, folder } = this.#place
    const program = this.#programs.redis
    await this.#supervise(planRedis({ port: this.#port('redis'), folder, program, secrets: folder.secrets(), environment }))
  }

  async #startNginx(): Promise<void> {
    const { environment, folder } = this.#place
    const plan = planNginx({
      port: this.#port('load-balancer'),
      pagesPort: this.#port('pages'),
      folder,
      program: this.#programs.nginx,
      repository,
      environment,
    })
    await this.#supervise(plan)
    setInterval(() => this.#turnRequestLog(), 10_000).unref()
  }

  /** As the logs of all others: never more than two files. */
  #turnRequestLog(): void {
    const path = requestLog(this.#folder)
    if (this.#processes.get('nginx')?.pid === null || !existsSync(path) || statSync(path).size < logBytesMax) return
    renameSync(path, `${path}.1`)
    this.#processes.get('nginx')?.signal('SIGUSR1')
  }

  async #startOwn(name: string): Promise<void> {
    const port = this.#port(name)
    if (name === 'csv') await this.#supervise(planCsv(this.#place, port))
    else await this.#supervise(name.startsWith('api-') ? planApi(this.#place, name, port) : planConsumer(this.#place, name, port))
  }

  async #supervise(plan: ProcessPlan): Promise<void> {
    // Ctrl-C while it starts.
    if (this.#isStopping) throw new ClusterError('The cluster is ending.')
    const events: SupervisedEvents = {
      print: this.#output.print,
      started: (name, pid) => this.#record.add(name, pid),
      ended: (name, how, expected) => {
        this.#record.remove(name)
        if (this.#isStopping || this.#leaving.has(name)) return
        const what = expected
          ? `ended, as asked (${how}).`
          : `IS GONE (${how}). It is not started again by itself, so that you see what follows.`
        this.#output.say(`${name} ${what} Start it: make cluster DO="start ${name}"`)
      },
    }
    const supervised = new Supervised(plan, { logPath: this.#folder.at('logs', `${plan.name}.log`), events })
    this.#processes.set(plan.name, supervised)
    await supervised.start()
  }

  #runJob(...words: string[]): void {
    const { command, environment, workingDirectory } = jobCommand(this.#place, ...words)
    const [program = '', ...argumentsOf] = command
    const { status, stdout, stderr } = spawnSync(program, argumentsOf, { cwd: workingDirectory, env: environment, encoding: 'utf8' })
    for (const line of `${stdout}${stderr}`.split('\n').filter((text) => text !== '')) this.#output.print(words[0] ?? '', line)
    if (status !== 0) throw new ClusterError(`jobs ${words.join(' ')} failed (exit status ${status}): see above.`)
  }

  #writeApiList(): void {
    writeApiList(
      this.#folder,
      this.#apis.map((name) => this.#port(name)),
    )
  }

  async #reloadNginx(): Promise<void> {
    this.#writeApiList()
    this.#processes.get('nginx')?.signal('SIGHUP')
    await delay(reloadMs)
  }
}

/** MariaDB and MySQL do not want to be root. Their own user is taken where it gets to the folder. */
function serverUser(folder: string): ReturnType<typeof findUser> {
  if (process.getuid?.() !== 0) return null
  const user = findUser('mysql')
  return user !== null && isReachableByAll(folder) ? user : null
}

function namesOf({ apis, consumers }: ClusterOptions): string[] {
  return [
    ...['load-balancer', 'pages', 'primary', 'replica', 'redis', 'csv'],
    ...Array.from({ length: apis }, (_, index) => `api-${index + 1}`),
    ...Array.from({ length: consumers }, (_, index) => `consumer-${index + 1}`),
  ]
}
