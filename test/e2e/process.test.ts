import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { asAdministrator, getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort, repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** Starting, stopping and starting again. */

const directories: { remove: () => void }[] = []
const processes: StandaloneProcess[] = []

function newDirectory(): string {
  const directory = temporaryDirectory()
  directories.push(directory)
  return directory.path
}

async function start(
  dataDirectory: string,
  options: Partial<ConstructorParameters<typeof StandaloneProcess>[0]> = {},
): Promise<StandaloneProcess> {
  const started = new StandaloneProcess({ dataDirectory, port: await freePort(), ...options })
  processes.push(started)
  return started
}

afterEach(async () => {
  for (const started of processes.splice(0)) await started.stop('SIGKILL')
  for (const directory of directories.splice(0)) directory.remove()
})

const voteFor = (urna: StandaloneProcess, userID: string, vote: string) =>
  send('POST', `${urna.url}/api/postVotes`, { body: { userID, vote } })

describe('a process', () => {
  it('keeps every ballot over a stop and a start, and stops within five seconds while a client holds a connection open', async () => {
    const path = newDirectory()
    const first = await (await start(path)).ready()
    await Promise.all(Array.from({ length: 50 }, (_, index) => voteFor(first, `id-${index}`, index < 30 ? 'coca' : 'pepsi')))
    const idle = connect(Number(new URL(first.url).port), '127.0.0.1')
    idle.on('error', () => {})
    idle.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n') // a request that never ends
    const stoppedAt = performance.now()
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - stoppedAt).toBeLessThan(5_500)
    idle.destroy()
    const second = await (await start(path)).ready()
    const votes = await until(async () => {
      const text = (await send('GET', `${second.url}/api/votes`)).text
      return text === '{"votes":{"coca":"30","pepsi":"20"}}' ? text : null
    })
    expect(votes).toContain('30')
    await voteFor(second, 'id-0', 'pepsi') // still the same voter
    await until(async () => ((await send('GET', `${second.url}/api/votes`)).text === '{"votes":{"coca":"29","pepsi":"21"}}' ? true : null))
  })

  it('refuses a data directory that another process uses, and names that one', async () => {
    const path = newDirectory()
    const first = await (await start(path)).ready()
    const second = await start(path)
    expect((await second.exited).code).toBe(1)
    expect(second.output).toContain(`process ${first.pid}`)
    expect(second.output).toContain('DATA_DIR')
    expect((await send('GET', `${first.url}/healthz`)).status).toBe(200)
  })

  it('takes the directory of a process that was killed', async () => {
    const path = newDirectory()
    await (await (await start(path)).ready()).stop('SIGKILL')
    await (await start(path)).ready()
  })

  it('lists every wrong setting at once, and ends', async () => {
    const urna = await start(newDirectory(), { environment: { BACKLOG_MAX: 'many', EXPORT_KEEP: '-1' } })
    expect((await urna.exited).code).toBe(1)
    expect(urna.output).toContain('BACKLOG_MAX')
    expect(urna.output).toContain('EXPORT_KEEP')
  })

  it('refuses to be armed for a crash in production', async () => {
    const urna = await start(newDirectory(), { environment: { NODE_ENV: 'production', CRASH_AT: 'before-commit:1' } })
    expect((await urna.exited).code).toBe(1)
    expect(urna.output).toContain('CRASH_AT')
  })

  it('says in words that its port is taken', async () => {
    const first = await (await start(newDirectory())).ready()
    const second = await start(newDirectory(), { port: Number(new URL(first.url).port) })
    expect((await second.exited).code).toBe(1)
    expect(second.output).toMatch(/Port \d+ is in use/)
  })

  it('makes its secrets at the first run: a key and a token that only the owner can read', async () => {
    const path = newDirectory()
    const urna = await start(path, { environment: { ADMIN_TOKEN: '', LOG_LEVEL: 'info' } })
    await urna.ready()
    for (const file of ['master.key', 'first-run.txt']) expect(statSync(join(path, file)).mode & 0o077).toBe(0)
    const token = readFileSync(join(path, 'first-run.txt'), 'utf8').trim().split('\n').at(-1) ?? ''
    expect(urna.output).not.toContain(token)
    const authorized = (value: string) => send('POST', `${urna.url}/v1/polls`, { body: {}, headers: { authorization: `Bearer ${value}` } })
    expect((await authorized(token)).status).toBe(400) // the token is right, the body is not
    expect((await authorized(`${token}x`)).status).toBe(401)
  })

  it('exports by its schedule, with a manifest', async () => {
    const path = newDirectory()
    const urna = await start(path, { environment: { EXPORT_EVERY: '* * * * * *' } })
    await urna.ready()
    const manifest = await until(async () => {
      const names = existsSync(join(path, 'exports')) ? readdirSync(join(path, 'exports')) : []
      return names.find((name) => name.endsWith('.manifest.json')) ?? null
    })
    const { file, rows } = JSON.parse(readFileSync(join(path, 'exports', manifest), 'utf8')) as { file: string; rows: number }
    expect(file).toMatch(/^results-\d{8}T\d{6}Z/)
    expect(rows).toBe(5) // two options of the first poll, three of the second
  })

  it('counts again what a restored database has lost', async () => {
    const path = newDirectory()
    const first = await (await start(path)).ready()
    await voteFor(first, 'id-early', 'coca')
    await until(async () => ((await send('GET', `${first.url}/api/votes`)).text.includes('"coca":"1"') ? true : null))
    await first.stop()
    for (const file of readdirSync(path).filter((name) => name.startsWith('urna.db')))
      cpSync(join(path, file), join(path, `backup-${file}`))
    const second = await (await start(path)).ready()
    await Promise.all(Array.from({ length: 20 }, (_, index) => voteFor(second, `id-late-${index}`, 'pepsi')))
    await until(async () => ((await send('GET', `${second.url}/api/votes`)).text.includes('"pepsi":"20"') ? true : null))
    await until(async () => (Date.now() % 2 === 0 ? true : null)) // any turn of the loop
    await second.stop()
    for (const file of readdirSync(path).filter((name) => name.startsWith('urna.db'))) spawnSync('rm', [join(path, file)])
    for (const file of readdirSync(path).filter((name) => name.startsWith('backup-urna.db')))
      cpSync(join(path, file), join(path, file.replace('backup-', '')))
    const third = await (await start(path)).ready()
    await until(async () => ((await send('GET', `${third.url}/api/votes`)).text === '{"votes":{"coca":"1","pepsi":"20"}}' ? true : null))
  })
})

describe('what ships', () => {
  it('runs from the built files alone, in a copy without sources', async () => {
    const copy = join(newDirectory(), 'urna')
    mkdirSync(copy)
    for (const group of ['packages', 'apps']) {
      for (const name of readdirSync(join(repository, group))) {
        for (const part of ['package.json', 'dist', 'node_modules']) {
          const from = join(repository, group, name, part)
          if (existsSync(from)) cpSync(from, join(copy, group, name, part), { recursive: true })
        }
      }
    }
    cpSync(join(repository, 'package.json'), join(copy, 'package.json'))
    // Hard links: the installed packages are large, and the links to our own stay relative, so they lead into the copy.
    expect(spawnSync('cp', ['-al', join(repository, 'node_modules'), copy]).status).toBe(0)
    expect(existsSync(join(copy, 'apps/standalone/src'))).toBe(false)
    const dataDirectory = newDirectory()
    const urna = await start(dataDirectory, {
      workingDirectory: copy,
      command: [process.execPath, '--conditions=urna:built', 'apps/standalone/dist/main.js'],
      environment: { NODE_ENV: 'production' },
    })
    await urna.ready()
    const poll = await openPoll(urna.url, { title: 'Built', questions: [{ text: 'Which?', options: [{ text: 'one' }, { text: 'two' }] }] })
    expect(
      (await send('POST', `${urna.url}/v1/polls/${poll.id}/ballots`, { body: { answers: [{ question: 1, options: [1] }] } })).status,
    ).toBe(202)
    expect((await settledResults(urna.url, poll.id)).turnout).toBe(1)
    expect((await getJson<{ polls: unknown[] }>(`${urna.url}/v1/polls`, asAdministrator)).polls).toHaveLength(3)
    expect((await send('GET', urna.url, { headers: { accept: 'text/html' } })).text).toContain('<div id="root">')
    for (const command of [['recount'], ['export-csv']]) {
      const job = spawnSync(process.execPath, ['--conditions=urna:built', 'apps/jobs/dist/main.js', ...command], {
        cwd: copy,
        env: { PATH: process.env.PATH, DATA_DIR: dataDirectory },
        encoding: 'utf8',
      })
      expect([command, job.status, job.stderr]).toEqual([command, 0, expect.any(String)])
    }
  })
})
