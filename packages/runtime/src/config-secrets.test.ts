import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from './config-fault.ts'
import { settings } from './config-table.ts'
import { configurationPage, envExample } from './configuration-docs.ts'
import { type AnySetting, namesOf, processNames } from './setting.ts'
import { errorOf, type Files, leastOf, load } from './testing/load-settings.ts'

/** Found again in any text: no other text has it, and nothing escapes its characters. */
const secret = 'hunter2-zq'
const rows = Object.values<AnySetting>(settings)
const secretNames = rows.filter((row) => row.secret === true).flatMap(namesOf)
const otherNames = rows.filter((row) => row.secret !== true).flatMap(namesOf)

const around = fc.string({ maxLength: 40 })
/** Good and bad values alike, with the secret somewhere inside. */
const secretText = fc.oneof(
  fc.tuple(around, around).map(([before, after]) => `${before}${secret}${after}`),
  fc.constantFrom(secret, secret.repeat(3), `${secret}\n${secret}`, ` ${secret} `, secret.repeat(60), `${secret}\0`),
)
/** A password inside an address, which may hold any character. */
const address = fc
  .tuple(
    fc.constantFrom('redis', 'https', 'tcp', 'mysql', 'http'),
    fc.string({ maxLength: 10 }),
    fc.constantFrom('', '/', ':', '@', '//', '?'),
  )
  .map(([scheme, user, odd]) => `${scheme}://${user}:${odd}${secret}${odd}@db.example:1/x`)
const harmless = fc.oneof(
  fc.constantFrom('off', 'on', 'redis', 'sqs', 'embedded', 'db', '1', 'tcp://10.0.0.1:1', ''),
  fc.string({ maxLength: 20 }),
)

const environment = fc.record({
  secrets: fc.dictionary(fc.constantFrom(...secretNames), secretText),
  files: fc.dictionary(fc.constantFrom(...secretNames.map((name) => `${name}_FILE`)), secretText),
  addresses: fc.dictionary(fc.constantFrom(...otherNames, 'REDIS_URL', 'DB_NAME'), address),
  others: fc.dictionary(fc.constantFrom(...otherNames), harmless),
  inFile: fc.boolean(),
  process: fc.constantFrom(...processNames),
  withLeast: fc.boolean(),
})

describe('secrets', () => {
  it('are never in an error, whatever is set', () => {
    let faulty = 0
    fc.assert(
      fc.property(environment, ({ secrets, files, addresses, others, inFile, process, withLeast }) => {
        const paths = Object.fromEntries(Object.keys(files).map((name) => [name, `/run/${name}`]))
        const contents: Files = Object.fromEntries(Object.entries(files).map(([name, text]) => [`/run/${name}`, text]))
        const env = { ...(withLeast ? leastOf[process] : {}), ...others, ...addresses, ...paths, ...secrets }
        const dotEnv = Object.entries(env).map(([name, text]) => `${name}='${text}'`)
        try {
          if (inFile) load(process, {}, { ...contents, '.env': dotEnv.join('\n') })
          else load(process, env, contents)
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          faulty++
          expect(`${inspect(error)} ${JSON.stringify(error)} ${error.stack}`).not.toContain('hunter2')
        }
      }),
      { numRuns: 400 },
    )
    expect(faulty).toBeGreaterThan(200)
  })

  it.each(secretNames)('only the length of %s is told', (name) => {
    const text = `${secret}\n`.repeat(120)
    for (const process of processNames) {
      const users = rows.find((row) => namesOf(row).includes(name))?.usedBy ?? []
      if (!users.includes(process)) continue
      const error = errorOf(process, { ...leastOf[process], [name]: text })
      expect(error.faults.map(({ got }) => got).join(' ')).toMatch(/1320 characters \(not shown\)/)
      expect(error.message).not.toContain('hunter2')
    }
  })

  it('have no default, and are not in what is documented', () => {
    for (const row of rows.filter(({ secret }) => secret === true)) {
      expect([row.name, row.default, row.defaultFor, row.defaultNote]).toEqual([row.name, null, undefined, undefined])
    }
    for (const name of secretNames) expect(envExample()).not.toMatch(new RegExp(`^#?${name}(_FILE)?=.`, 'm'))
    const documented = configurationPage()
    for (const name of secretNames) expect(documented).toContain(`\`${name}_FILE\``)
  })

  it('no other setting holds one: every name that sounds like a secret is marked', () => {
    // Which key, by its number: what it is made of is MASTER_KEY.
    expect(otherNames.filter((name) => /PASS|SECRET|TOKEN|KEY/.test(name))).toEqual(['COOKIE_KEY', 'COOKIE_KEY_OLDEST'])
  })
})
