import { execFile, spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { repository } from '../support/standalone-process.ts'
import { whyNoEngine } from './container-engine.ts'

const folder = join(repository, 'deploy/compose')
const outputMax = 16 * 1_024 * 1_024

/** Why Compose files cannot be started here; null: they can. */
export function whyNoCompose(): string | null {
  const engine = whyNoEngine()
  if (engine !== null) return engine
  const { stdout } = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' })
  const [, major = 0, minor = 0] = /^v?(\d+)\.(\d+)/.exec(stdout) ?? []
  // What a file takes away of another one is written with !override.
  if (Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 25)) return null
  return `docker compose 2.25 or newer is needed, this is ${stdout.trim() || 'none'}`
}

/** What `docker compose` does with some files of deploy/compose, under a name and with settings of its own. Ends with this process. */
export class ComposeProject {
  readonly name: string
  readonly #words: readonly string[]
  readonly #environment: NodeJS.ProcessEnv
  #isUp = false

  /** `files`: in deploy/compose, or whole paths. */
  constructor({ name, files, variables }: { name: string; files: readonly string[]; variables: Readonly<Record<string, string>> }) {
    this.name = name
    // An empty file in place of a person's own .env.
    this.#words = ['compose', '-p', name, '--env-file', '/dev/null', ...files.flatMap((file) => ['-f', resolve(folder, file)])]
    const environment = Object.entries(process.env).filter(([variable]) =>
      /^(PATH|HOME|DOCKER_|BUILD|COMPOSE_PULL|NO_COLOR|.*_IMAGE$)/.test(variable),
    )
    this.#environment = { ...Object.fromEntries(environment), BUILDX_NO_DEFAULT_ATTESTATIONS: '1', ...variables }
    process.once('exit', () => {
      if (!this.#isUp) return
      console.log(`taking ${name} down`)
      // Detached: another Ctrl-C must not reach it.
      spawnSync('docker', [...this.#words, ...removal], { env: this.#environment, stdio: 'ignore', detached: true } as object)
    })
  }

  build(): Promise<string> {
    return this.run(['build'], { withinMs: 1_200_000 })
  }

  /** Resolves when everything is healthy, or has ended well. */
  async up(...words: string[]): Promise<void> {
    this.#isUp = true
    try {
      await this.run(['up', '-d', '--wait', '--wait-timeout', '300', ...words], { withinMs: 400_000 })
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${await this.state()}`)
    }
  }

  /** Resolves when all are started, well or not. */
  async start(): Promise<void> {
    this.#isUp = true
    await this.run(['up', '-d'], { withinMs: 400_000 })
  }

  /** What the engine says of a container: starting, healthy, unhealthy. */
  async health(service: string): Promise<string> {
    return this.docker(['inspect', '-f', '{{.State.Health.Status}}', await this.containerOf(service)])
  }

  /** Which containers there are, and the last words of each. */
  async state(): Promise<string> {
    const parts = [
      ['ps', '-a'],
      ['logs', '--tail', '15', '--no-color'],
    ].map((words) => this.run(words).catch((error: Error) => error.message))
    return (await Promise.all(parts)).join('\n')
  }

  /** Containers, networks and volumes; throws if anything is left. */
  async down(): Promise<void> {
    await this.run(removal, { withinMs: 120_000 })
    this.#isUp = false
    for (const kind of [
      ['ps', '-a'],
      ['volume', 'ls'],
      ['network', 'ls'],
    ]) {
      const left = await this.docker([...kind, '-q', '--filter', `label=com.docker.compose.project=${this.name}`])
      if (left !== '') throw new Error(`docker ${kind.join(' ')}: something of ${this.name} is left: ${left}`)
    }
  }

  /** A command in a container that runs; resolves with what it wrote. */
  async exec(service: string, command: readonly string[], { index = 1 } = {}): Promise<string> {
    return this.run(['exec', '-T', '--index', String(index), service, ...command])
  }

  /** A job of its own, in a container like that of `job-migration`. Throws if it fails. */
  job(...command: string[]): Promise<string> {
    return this.run(['run', '--rm', '-T', '--no-deps', 'job-migration', ...command])
  }

  /** A statement on one of the databases, as its administrator; its rows, columns separated by tabs. */
  sql(service: 'mysql-primary' | 'mysql-replica', statement: string): Promise<string> {
    // By the socket: as root@localhost, whoever else root may be.
    const client = '"$(command -v mariadb || command -v mysql)" -u root -N -e "$0"'
    return this.exec(service, ['/bin/sh', '-c', `MYSQL_PWD="$(cat /secrets/database-root-password)" ${client}`, statement])
  }

  async containerOf(service: string, index = 1): Promise<string> {
    const labels = { project: this.name, service, 'container-number': String(index), oneoff: 'False' }
    const filters = Object.entries(labels).flatMap(([label, value]) => ['--filter', `label=com.docker.compose.${label}=${value}`])
    const id = await this.docker(['ps', '-a', '-q', ...filters])
    if (id === '') throw new Error(`${service} has no container ${index}`)
    return id
  }

  run(words: readonly string[], { withinMs = 60_000 } = {}): Promise<string> {
    return this.docker([...this.#words, ...words], { withinMs })
  }

  docker(words: readonly string[], { withinMs = 60_000 } = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { env: this.#environment, timeout: withinMs, maxBuffer: outputMax }
      execFile('docker', words, options, (error, stdout, stderr) => {
        if (error === null) return resolve(stdout.trim())
        const shown = words.slice(words[0] === 'compose' ? this.#words.length : 0).join(' ')
        const why = error.killed ? `not done after ${withinMs / 1_000} s\n` : ''
        reject(new Error(`docker ${shown}: ${why}${`${stderr}${stdout}`.trim().slice(-4_000)}`))
      })
    })
  }
}

const removal = ['down', '-v', '--remove-orphans', '--timeout', '5']
