import assert from 'node:assert/strict'
import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository, temporaryDirectory } from '../../support/standalone-process.ts'
import type { Checks } from './checks.ts'
import { eventually } from './checks.ts'
import { build, execIn, healthOf, isEngineHere, logsOf, output, type Place, stop } from './engine.ts'

/** As an orchestrator with no trust starts it: nothing can be written, nothing can be gained, and there is no network at all. */
export const locked = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges']

interface Answer {
  readonly status: number
  readonly body: string
}

/** A request from inside, for a container without a network. */
async function ask(
  container: string,
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const script = `const [path, init] = JSON.parse(process.argv[1])
fetch('http://127.0.0.1:8080' + path, init).then(async (answer) => console.log(JSON.stringify({ status: answer.status, body: await answer.text() })))`
  const init = {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  }
  const { status, stdout, stderr } = await execIn(container, 'node', '-e', script, JSON.stringify([path, init]))
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Answer
}

async function askJson<Body>(container: string, path: string, headers: Record<string, string> = {}): Promise<Body> {
  const { status, body } = await ask(container, 'GET', path, { headers })
  assert.equal(status, 200, `${path}: ${status} ${body}`)
  return JSON.parse(body) as Body
}

const isHealthy = (container: string) =>
  eventually(
    'healthy',
    () => healthOf(container),
    (health) => health === 'healthy',
  )

export async function urnaChecks(checks: Checks, place: Place, tag: string): Promise<void> {
  await checks.check('urna: says which commands there are, and what is wrong with others', async () => {
    const help = await place.run('--network', 'none', tag, '--help')
    assert.equal(help.status, 0, help.stderr)
    for (const command of [
      'api',
      'consumer',
      'standalone',
      'health',
      'migrate',
      'set-up-replication',
      'export-csv',
      'recount',
      'make-secrets',
    ]) {
      assert.match(help.stdout, new RegExp(`^ +${command}\\b`, 'm'))
    }
    for (const [words, expected] of [
      [['nonsense'], /unknown command 'nonsense'/],
      [['api', '--port'], /takes no arguments.*--port/],
      [['health', '--nonsense'], /Usage: urna health/],
      [['api'], /DB_HOST/],
    ] as const) {
      const { status, stderr } = await place.run('--network', 'none', tag, ...words)
      assert.notEqual(status, 0)
      assert.match(stderr, expected)
    }
    return undefined
  })

  await checks.check('urna: standalone without network and with a root that is only read votes, and keeps it over a restart', async () => {
    const container = await place.start(
      'standalone',
      ...locked,
      '--network',
      'none',
      '--volume',
      `${place.name('volume', 'data')}:/data`,
      tag,
    )
    await isHealthy(container)
    assert.match((await output(['top', container, '-o', 'pid,args'])).split('\n')[1] ?? '', /\d+ +node .*standalone/)
    assert.equal((await output(['exec', container, 'id', '-u'])).trim(), '1000')
    assert.match((await execIn(container, 'touch', '/app/x')).stderr, /Read-only file system/)
    const { polls } = await askJson<{ polls: { id: string }[] }>(container, '/v1/polls')
    const path = `/v1/polls/${polls[0]?.id}`
    const sent = await ask(container, 'POST', `${path}/ballots`, {
      body: { answers: [{ question: 1, options: [1] }] },
      headers: { 'idempotency-key': 'a-voter-of-the-images-test' },
    })
    assert.equal(sent.status, 202, sent.body)
    const { receipt } = JSON.parse(sent.body) as { receipt: string }
    const counted = async () => ({
      turnout: (await askJson<{ turnout: number }>(container, `${path}/results`)).turnout,
      receipt: (await askJson<{ status: string }>(container, '/v1/receipts', { 'urna-receipt': receipt })).status,
    })
    const isCounted = (seen: { turnout: number; receipt: string }) => seen.turnout === 1 && seen.receipt === 'counted'
    await eventually('counted', counted, isCounted)
    await output(['restart', container])
    await eventually(
      'ready',
      () => execIn(container, 'urna', 'health', '--ready'),
      ({ status }) => status === 0,
    )
    await eventually('still counted', counted, isCounted, 10_000)
    const page = await ask(container, 'GET', '/', { headers: { accept: 'text/html' } })
    assert.match(page.body, /<div id="root">/)
    const exported = await execIn(container, 'urna', 'export-csv')
    assert.match(exported.stdout, /^\/data\/exports\/results-/, exported.stderr)
    return undefined
  })

  await checks.check('urna: a process that hangs is not well', async () => {
    const container = place.name('container', 'standalone')
    assert.equal((await execIn(container, 'urna', 'health')).status, 0)
    await output(['kill', '--signal', 'STOP', container])
    try {
      const { status, stderr } = await execIn(container, 'urna', 'health')
      assert.equal(status, 1)
      assert.match(stderr, /did not answer within 3 s/)
    } finally {
      await output(['kill', '--signal', 'CONT', container])
    }
    return undefined
  })

  await checks.check('urna: docker stop reaches the process, which ends in order', async () => {
    const { status, seconds } = await stop(place.name('container', 'standalone'))
    assert.equal(status, 0, await logsOf(place.name('container', 'standalone')))
    assert.ok(seconds < 8, `${seconds} s`)
    return `${seconds.toFixed(1)} s`
  })

  await checks.check('urna: make-secrets fills a new volume, once, for every user', async () => {
    const volume = place.name('volume', 'secrets')
    const made = await place.run(...locked, '--network', 'none', '--volume', `${volume}:/secrets`, tag, 'make-secrets', '/secrets')
    assert.equal(made.status, 0, made.stderr)
    assert.equal(made.stdout.trim().split('\n').length, 8)
    const read = () =>
      place.run(
        '--user',
        '999',
        '--network',
        'none',
        '--volume',
        `${volume}:/secrets:ro`,
        '--entrypoint',
        'sh',
        tag,
        '-c',
        'cat /secrets/*',
      )
    const before = await read()
    assert.equal(before.status, 0, before.stderr)
    const again = await place.run(...locked, '--network', 'none', '--volume', `${volume}:/secrets`, tag, 'make-secrets', '/secrets')
    assert.equal(again.stdout.trim(), 'nothing to make')
    assert.equal((await read()).stdout, before.stdout)
    return undefined
  })

  await checks.check('urna: a job runs to its end, and writes where there is a volume only', async () => {
    const migrate = (...more: string[]) => place.run(...locked, '--network', 'none', ...more, tag, 'migrate')
    const done = await migrate('--tmpfs', '/data:uid=1000')
    assert.equal(done.status, 0, done.stderr)
    assert.match(done.stdout, /migrated/)
    const refused = await migrate()
    assert.equal(refused.status, 2)
    assert.match(refused.stderr, /DATA_DIR \/data cannot be written to \(EROFS\): mount a volume there/)
    return undefined
  })

  if (!isEngineHere)
    return checks.skip('urna: the development target starts again when a source changes', 'the engine is on another machine')
  await checks.check('urna: the development target starts again when a source changes', async () => {
    const image = place.name('image', 'urna-dev')
    await build(image, 'urna.Dockerfile', '--target', 'dev')
    const directory = temporaryDirectory()
    try {
      // The container's user is not this one.
      chmodSync(directory.path, 0o755)
      for (const folder of ['apps', 'packages']) {
        cpSync(join(repository, folder), join(directory.path, folder), {
          recursive: true,
          filter: (path) => !/\/(node_modules|dist)$/.test(path),
        })
      }
      const mounts = ['apps', 'packages'].flatMap((folder) => ['--volume', `${directory.path}/${folder}:/app/${folder}:ro`])
      const container = await place.start('urna-dev', ...mounts, image)
      const ready = (count: number) =>
        eventually(
          `ready for the ${count}. time`,
          () => logsOf(container),
          (text) => text.split('Urna is ready').length === count + 1,
        )
      await ready(1)
      await isHealthy(container)
      const source = join(directory.path, 'apps/standalone/src/run.ts')
      writeFileSync(source, `${readFileSync(source, 'utf8')}\nconsole.log('this is a change')\n`)
      await ready(2)
      assert.match(await logsOf(container), /this is a change/)
      assert.ok((await stop(container)).seconds < 10)
    } finally {
      directory.remove()
    }
    return undefined
  })
}
