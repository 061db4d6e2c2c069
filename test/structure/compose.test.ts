import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

/** What nobody would notice who starts the Compose files with nothing set. Their tags are compared in images.test.ts. */

const folder = resolve(import.meta.dirname, '../../deploy/compose')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

/** `${NAME:-default}`, `${NAME:?what to do}`; of several defaults the first. */
function variablesIn(text: string): Map<string, string> {
  const found = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)(?::-((?:[^{}])*))?(?::\?[^}]*)?\}/g)]
  return new Map(found.map(([, name = '', byDefault = '']) => [name, byDefault] as const).reverse())
}

const variables = new Map(files.toReversed().flatMap((name) => [...variablesIn(read(name))]))
const examples = [...read('.env.example').matchAll(/^#([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => ({ name, value }))
/** Read by Compose itself. */
const ofCompose = /^COMPOSE_/
/** What is said of them there holds for the cluster; alone it is another default, or none. */
const differ = new Set(['TRUSTED_PROXIES', 'ALLOWED_ORIGINS'])

describe('.env.example', () => {
  it('has every variable of the Compose files, and no other', () => {
    expect(variables.size).toBeGreaterThan(40)
    const named = new Set(examples.map(({ name }) => name).filter((name) => !ofCompose.test(name)))
    expect([...named].sort()).toEqual([...variables.keys()].sort())
  })

  it('has their defaults', () => {
    const compared = examples.filter(({ name, value }) => value !== '' && !differ.has(name) && (variables.get(name) ?? '') !== '')
    expect(compared.length).toBeGreaterThan(20)
    for (const { name, value } of compared) {
      const [address, rest] = [value, variables.get(name)]
      // A folder of one's own in place of the volume.
      if (name !== 'TLS_CERTIFICATES') expect(`${name}=${address}`).toBe(`${name}=${rest}`)
    }
  })

  it('sets nothing', () => {
    expect(read('.env.example')).not.toMatch(/^[^#\n]/m)
  })
})

/** Of a service of compose.cluster.yaml, with what is merged into it. */
interface Service {
  readonly image: string
  readonly build?: { readonly dockerfile: string; readonly args: object }
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly deploy?: { readonly resources: { readonly limits: { readonly memory: string } } }
}
const servicesOf = (name: string) => (parse(read(name), { merge: true }) as { services: Record<string, Service> }).services
/** `${NAME:-default}` */
const defaultOf = (text = '') => /^\$\{[A-Z_]+:-(.*)\}$/.exec(text)?.[1] ?? text

describe('Compose files', () => {
  it("show no server the key of receipts, and no process of ours the password of the databases' administrator", () => {
    const services = Object.entries(servicesOf('compose.cluster.yaml'))
    const script = read('compose.cluster.yaml')
    const handedOut = (side: string) => new RegExp(`hand_out /handed-out/${side} (.+)$`, 'm').exec(script)?.[1]?.split(' ') ?? []
    expect(handedOut('servers')).not.toContain('master-key')
    expect(handedOut('servers')).not.toContain('admin-token')
    expect(handedOut('urna')).not.toContain('database-root-password')
    expect(handedOut('urna')).not.toContain('replication-password')
    const mounting = (volume: string) =>
      services.filter(([, { volumes }]) => volumes?.some((each) => each.startsWith(`${volume}:`))).map(([name]) => name)
    expect(mounting('secrets')).toEqual(['secrets'])
    expect(mounting('server-secrets').sort()).toEqual(['job-replication', 'mysql-primary', 'mysql-replica', 'redis', 'secrets'])
    // Each file that a process is told to read is handed out to it.
    for (const [name, { environment, volumes }] of services) {
      const side = volumes?.some((each) => each.startsWith('server-secrets:')) ? 'servers' : 'urna'
      const files = Object.values(environment ?? {}).flatMap((value) => /^\/secrets\/(.+)$/.exec(String(value))?.[1] ?? [])
      expect(
        files.filter((file) => !handedOut(side).includes(file)),
        name,
      ).toEqual([])
    }
  })

  it.each([
    ['compose.cluster.yaml', 'api'],
    ['compose.yaml', 'urna'],
  ])('%s: as many open result pages as are let in fit into the memory of %s', (file, name) => {
    const { environment, deploy } = servicesOf(file)[name] as Service
    const memory = defaultOf(deploy?.resources.limits.memory)
    const megabytes = memory.endsWith('g') ? Number.parseInt(memory, 10) * 1_024 : Number.parseInt(memory, 10)
    const readers = Number(defaultOf(environment?.LIVE_READERS_MAX))
    // 265 MB under load and 88 kB for each: docs/performance.md, as `jobs plan` reckons.
    expect(readers).toBeGreaterThan(1_000)
    expect(265 + (readers * 88) / 1_000).toBeLessThanOrEqual(megabytes * 1.048)
  })

  it.each(['compose.cluster.yaml', 'compose.yaml'])('%s hands on every base image that the Dockerfiles ask for', (name) => {
    const builds = Object.values(servicesOf(name)).flatMap(({ build }) => build ?? [])
    expect(builds.length).toBeGreaterThan(0)
    for (const { dockerfile, args } of builds) {
      const asked = readFileSync(join(folder, '../..', dockerfile), 'utf8').matchAll(/^ARG ([A-Z]+_IMAGE)=/gm)
      expect(Object.keys(args).sort(), dockerfile).toEqual([...asked].map(([, variable]) => variable).sort())
    }
  })

  it('have no password', () => {
    const secrets = files.flatMap((name) => [...read(name).matchAll(/^\s+(\w*(?:PASSWORD|TOKEN|MASTER_KEY|SECRET)\w*): +(.+)$/gm)])
    expect(secrets.length).toBeGreaterThan(8)
    for (const [line, name, value = ''] of secrets) {
      const isNone = value === '""' || value === `$\{${name}:-}`
      expect(isNone || /^\/secrets\/[a-z-]+$/.test(value), line).toBe(true)
    }
  })

  it('have every route of the api behind https, too', () => {
    const [, words = 'no such line'] =
      /location ~ (\^\/\(v1\S+) \{/.exec(readFileSync(join(folder, '../nginx/tls.conf.template'), 'utf8')) ?? []
    const collection = readFileSync(join(folder, '../../docs/urna.postman_collection.json'), 'utf8')
    const parts = [...collection.matchAll(/"path": \[\s*"([^"]+)"(?:,\s*"([^"]+)")?/g)].map(
      ([, first, second]) => `/${first}${second ? `/${second}` : ''}`,
    )
    const routes = [...new Set(parts)].filter((route) => !/^\/(healthz|readyz|metrics)$/.test(route))
    expect(routes.length).toBeGreaterThan(8)
    expect(routes.filter((route) => !new RegExp(words).test(route))).toEqual([])
  })

  it.each(files)('%s is in the README', (name) => {
    expect(read('README.md')).toContain(`| \`${name}\` |`)
  })
})
