import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { asAdministrator, getJson, openPoll, send, settledResults, until } from '../support/client.ts'
import { freePort } from '../support/free-port.ts'
import { repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

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

const votesAre = (urna: StandaloneProcess, coca: number, pepsi: number) =>
  until(async () => ((await send('GET', `${urna.url}/api/votes`)).text === `{"votes":{"coca":"${coca}","pepsi":"${pepsi}"}}` ? true : null))

/** Keeps a database of a stopped process as it is now; what it returns puts it back. */
function backUp(path: string, name: string): () => void {
  const files = () => readdirSync(path).filter((file) => file.startsWith(name))
  const kept = files()
  for (const file of kept) cpSync(join(path, file), join(path, `backup-${file}`))
  return () => {
    for (const file of files()) rmSync(join(path, file))
    for (const file of kept) cpSync(join(path, `backup-${file}`), join(path, file))
  }
}

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

  it('makes its secrets at the first run: a key, a token and a password that only the owner can read', async () => {
    const path = newDirectory()
    const urna = await start(path, { environment: { ADMIN_TOKEN: '', LOG_LEVEL: 'info' } })
    await urna.ready()
    for (const file of ['master.key', 'first-run.txt']) expect(statSync(join(path, file)).mode & 0o077).toBe(0)
    const [, token = '', , password = ''] = readFileSync(join(path, 'first-run.txt'), 'utf8').split('\n')
    expect(password).toMatch(/^\w{5}(-\w{5}){4}$/)
    for (const secret of [token, password]) expect(urna.output).not.toContain(secret)
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

  it('counts again what a restored database has lost', { timeout: 120_000 }, async () => {
    const path = newDirectory()
    const first = await (await start(path)).ready()
    await voteFor(first, 'id-early', 'coca')
    await votesAre(first, 1, 0)
    await first.stop()
    const restore = backUp(path, 'urna.db')
    const second = await (await start(path)).ready()
    await Promise.all(Array.from({ length: 20 }, (_, index) => voteFor(second, `id-late-${index}`, 'pepsi')))
    await votesAre(second, 1, 20)
    await second.stop()
    restore()
    const third = await (await start(path)).ready()
    await votesAre(third, 1, 20)
  })

  it('says of a ballot whose queue was wiped before it was counted that it is lost, and raises the alarm', async () => {
    const path = newDirectory()
    const first = await (await start(path, { environment: { CRASH_AT: 'after-read:1' } })).ready()
    const [poll] = (await getJson<{ polls: { id: string }[] }>(`${first.url}/v1/polls`)).polls
    const ballot = { body: { answers: [{ question: 1, options: [1] }] } }
    const { receipt } = JSON.parse((await send('POST', `${first.url}/v1/polls/${poll?.id}/ballots`, ballot)).text) as { receipt: string }
    expect((await first.exited).signal).toBe('SIGKILL')
    for (const file of readdirSync(path).filter((name) => name.startsWith('queue.db'))) rmSync(join(path, file))
    const second = await (await start(path)).ready()
    const status = () => getJson<{ status: string }>(`${second.url}/v1/receipts/${receipt}`).then((answer) => answer.status)
    expect(await until(async () => status().then((now) => (now === 'received' ? null : now)))).toBe('lost')
    expect(second.output).toContain('queue.db is a new file')
  })

  it('takes an older copy of the queue that was put back for what it is: new ballots count', { timeout: 120_000 }, async () => {
    const path = newDirectory()
    await (await (await start(path)).ready()).stop()
    const restore = backUp(path, 'queue.db')
    const first = await (await start(path)).ready()
    for (let index = 0; index < 10; index++) await voteFor(first, `id-${index}`, 'coca')
    await votesAre(first, 10, 0)
    await first.stop()
    restore()
    const second = await (await start(path)).ready()
    expect(second.output).toContain('queue.db is an older copy')
    await voteFor(second, 'id-3', 'pepsi')
    await votesAre(second, 9, 1)
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
    // Hard links: the installed packages are large, and the links to our own stay relative, so they lead into the copy. Where the project is
    // on another file system than temporary folders, as in a pipeline's container, there are none.
    const copied = ['-al', '-a'].some(
      (how) => spawnSync('cp', [how, join(repository, 'node_modules'), copy], { stdio: 'ignore' }).status === 0,
    )
    expect(copied).toBe(true)
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
