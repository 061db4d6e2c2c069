import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

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

describe('Compose files', () => {
  it('have no password', () => {
    const secrets = files.flatMap((name) => [...read(name).matchAll(/^\s+(\w*(?:PASSWORD|TOKEN|MASTER_KEY|SECRET)\w*): +(.+)$/gm)])
    expect(secrets.length).toBeGreaterThan(8)
    for (const [line, name, value = ''] of secrets) {
      const isNone = value === '""' || value === `$\{${name}:-}`
      expect(isNone || /^\/secrets\/[a-z-]+$/.test(value), line).toBe(true)
    }
  })

  it('have every route of the api behind https, too', () => {
    const [, words = ''] = /location ~ (\^\/\(v1\S+) \{/.exec(readFileSync(join(folder, '../nginx/tls.conf.template'), 'utf8')) ?? []
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
