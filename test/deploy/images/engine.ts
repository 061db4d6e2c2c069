import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { repository } from '../../support/standalone-process.ts'
import { engineHost } from '../container-engine.ts'

/** The container engine, by its own client, so that what is tested is what a person would type. */

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const commandMsMax = 120_000
const buildMsMax = 900_000

/** Runs it to its end, whatever that is. */
export function docker(argumentsOf: readonly string[], { input, ms = commandMsMax }: { input?: string; ms?: number } = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', argumentsOf, { cwd: repository, stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    const timer = setTimeout(() => child.kill('SIGKILL'), ms)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (status) => {
      clearTimeout(timer)
      if (status === null) reject(new Error(`docker ${argumentsOf.join(' ')} did not end within ${ms / 1_000} s:\n${stderr}`))
      else resolve({ status, stdout, stderr })
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}

/** What it prints; throws unless it did what it was to do. */
export async function output(argumentsOf: readonly string[], options: { input?: string; ms?: number } = {}): Promise<string> {
  const { status, stdout, stderr } = await docker(argumentsOf, options)
  if (status !== 0) throw new Error(`docker ${argumentsOf.join(' ')}: exit status ${status}\n${stdout}${stderr}`)
  return stdout
}

export async function inspect<Value>(kind: 'image' | 'container', name: string, format: string): Promise<Value> {
  return JSON.parse(await output([kind, 'inspect', '--format', `{{json ${format}}}`, name])) as Value
}

/** Builds with the same arguments as `make images`, or a target of one of the files. */
export async function build(tag: string, dockerfile: string, ...more: string[]): Promise<void> {
  await output(['build', '--quiet', '--tag', tag, '--file', `deploy/docker/${dockerfile}`, ...more, '.'], { ms: buildMsMax })
}

/** Folders of this machine can be mounted into containers only there. */
export const isEngineHere = engineHost() === '127.0.0.1'

/** All containers, volumes, networks and tags of one run: named alike, and gone at its end. */
export class Place {
  readonly prefix = `urna-images-${randomBytes(3).toString('hex')}`
  readonly #names = { container: new Set<string>(), volume: new Set<string>(), network: new Set<string>(), image: new Set<string>() }

  name(kind: 'container' | 'volume' | 'network' | 'image', name: string): string {
    const whole = kind === 'image' ? `${this.prefix}:${name}` : `${this.prefix}-${name}`
    this.#names[kind].add(whole)
    return whole
  }

  /** A container that goes on in the background. `words` are options, image and command. */
  async start(name: string, ...words: string[]): Promise<string> {
    const container = this.name('container', name)
    await output(['run', '--detach', '--name', container, ...words])
    return container
  }

  /** A container that runs to its end. */
  run(...words: string[]): Promise<Ended> {
    const container = this.name('container', `run-${randomBytes(4).toString('hex')}`)
    return docker(['run', '--rm', '--name', container, ...words])
  }

  /** Synchronous, for it is the last thing that this process does. */
  clear(): void {
    const { container, volume, network, image } = this.#names
    const remove = (words: string[], names: Set<string>) => {
      if (names.size > 0) spawnSync('docker', [...words, ...names], { stdio: 'ignore', timeout: commandMsMax })
    }
    remove(['rm', '--force', '--volumes'], container)
    remove(['volume', 'rm', '--force'], volume)
    remove(['network', 'rm'], network)
    remove(['image', 'rm', '--force'], image)
  }
}

/** `http://...` of a published port. */
export async function urlOf(container: string, port: number): Promise<string> {
  const [line = ''] = (await output(['port', container, String(port)])).split('\n')
  return `http://${engineHost()}:${line.slice(line.lastIndexOf(':') + 1)}`
}

export function execIn(container: string, ...command: string[]): Promise<Ended> {
  return docker(['exec', container, ...command])
}

export async function logsOf(container: string): Promise<string> {
  const { stdout, stderr } = await docker(['logs', container])
  return stdout + stderr
}

export function healthOf(container: string): Promise<string> {
  return inspect<string>('container', container, '.State.Health.Status')
}

/** Says to end, as an orchestrator does; how it ended and how long that took. */
export async function stop(container: string): Promise<{ status: number; seconds: number }> {
  const since = performance.now()
  await output(['stop', '--time', '20', container])
  const seconds = (performance.now() - since) / 1_000
  return { status: await inspect<number>('container', container, '.State.ExitCode'), seconds }
}
