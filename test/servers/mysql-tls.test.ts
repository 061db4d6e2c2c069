import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openMysqlPrimary } from '@urna/database'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makeCertificates } from './support/certificates.ts'
import { describeServers } from './support/mysql-suites.ts'

describeServers('encrypted connections', (suite) => {
  const folders: string[] = []
  let database: string
  let authority: string

  /** The server starts again with a certificate for `name`. -> that of the authority. */
  async function certify(name: string): Promise<string> {
    const made = makeCertificates(name)
    folders.push(made)
    const home = dirname(suite.server.configurationFile)
    cpSync(made, join(home, 'tls'), { recursive: true, force: true })
    const at = (file: string) => join(suite.server.pathAsServer(home), 'tls', file)
    const settings = [`ssl-ca=${at('ca.pem')}`, `ssl-cert=${at('server.pem')}`, `ssl-key=${at('server.key')}`]
    writeFileSync(suite.server.configurationFile, ['[mysqld]', ...settings, ''].join('\n'))
    await suite.server.kill()
    await suite.server.run()
    return readFileSync(join(made, 'ca.pem'), 'utf8')
  }

  beforeAll(async () => {
    mkdirSync(join(dirname(suite.server.configurationFile), 'tls'))
    authority = await certify('localhost')
    database = await suite.server.createDatabase()
  }, 120_000)
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true })
  })

  /** The cipher of a new connection; empty: it is not encrypted. */
  async function cipher(tls: { ca: string | null } | null, host = 'localhost'): Promise<string> {
    const primary = openMysqlPrimary({ ...suite.server.connection, host, database, tls })
    try {
      const { rows } = await sql<{ Value: string }>`show session status like 'Ssl_cipher'`.execute(primary.db)
      return rows[0]?.Value ?? 'none'
    } finally {
      await primary.close()
    }
  }

  it('are encrypted where they are asked to be', async () => {
    expect(await cipher({ ca: authority })).toMatch(/^TLS_|^ECDHE-/)
    expect(await cipher(null)).toBe('')
  })

  it('refuse a server whose certificate nobody known has signed', async () => {
    await expect(cipher({ ca: null })).rejects.toThrow(/certificate/)
    const another = makeCertificates('localhost')
    folders.push(another)
    await expect(cipher({ ca: readFileSync(join(another, 'ca.pem'), 'utf8') })).rejects.toThrow(/certificate/)
  })

  it('refuse a server that has the certificate of another', { timeout: 120_000 }, async () => {
    const ca = await certify('somebody-else.example')
    await expect(cipher({ ca })).rejects.toThrow(/altnames/)
    await expect(cipher({ ca }, '127.0.0.1')).rejects.toThrow(/altnames/)
  })
})
