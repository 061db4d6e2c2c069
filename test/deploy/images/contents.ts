import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { repository, temporaryDirectory } from '../../support/standalone-process.ts'
import type { Checks } from './checks.ts'
import { inspect, output, type Place } from './engine.ts'

export interface Image {
  readonly tag: string
  readonly title: string
  readonly user: string
  /** Folders that are ours, without what the base image has. */
  readonly ours: readonly string[]
  /** What has to be there, so that an empty list does not pass. */
  readonly holds: readonly string[]
  readonly version: string
}

/** What no image of ours may hold. */
const unwanted = [
  /\/\.git(\/|$)/,
  /\/\.env/,
  /\.(map|pem|key|db|tsbuildinfo|d\.ts)$/,
  /\.(ts|tsx)$/,
  /\.test\.[jt]sx?$/,
  /\/(test|tests|__tests__|testing|src)\/[^/]*\.[jt]sx?$/,
  /\/master[.-]key$/,
  // Of the build, of tests, of the pages' sources.
  /\/node_modules\/(typescript|vite|vitest|rolldown|playwright-core|fast-check|fauxqs|react|react-dom|jsdom|lightningcss|npm)\//,
  /\/node_modules\/(@biomejs|@types|@mantine|@testing-library|@axe-core|@vitejs|@tanstack)\//,
]
/** Packages that keep what they load in such folders. */
const rightly = /\/node_modules\/.*\/src\/[^/]*\.js$/

async function filesIn(place: Place, { tag, ours }: Image): Promise<string[]> {
  const { status, stdout, stderr } = await place.run('--network', 'none', '--user', '0', '--entrypoint', 'find', tag, ...ours, '-type', 'f')
  assert.equal(status, 0, stderr)
  return stdout.split('\n').filter((line) => line !== '')
}

export async function contentChecks(checks: Checks, place: Place, image: Image): Promise<void> {
  const { tag, title, user, holds, version } = image

  await checks.check(`${title}: says who it is, runs as ${user}, has a health check`, async () => {
    const config = await inspect<{ User: string; Labels: Record<string, string>; Healthcheck?: { Test: string[] }; Env: string[] }>(
      'image',
      tag,
      '.Config',
    )
    assert.equal(config.User, user)
    const label = (name: string) => config.Labels[`org.opencontainers.image.${name}`]
    assert.deepEqual([label('title'), label('version'), label('licenses')], [title, version, 'MIT'])
    assert.match(label('revision') ?? '', /^[0-9a-f]{40}$|^unknown$/)
    assert.match(label('created') ?? '', /^\d{4}-\d\d-\d\dT|^unknown$/)
    assert.ok((label('description') ?? '').length > 20)
    assert.equal(config.Healthcheck?.Test.at(-1), 'health')
    assert.deepEqual(
      config.Env.filter((line) => /(PASSWORD|TOKEN|SECRET|MASTER_KEY)/.test(line)),
      [],
    )
    const [bytes] = [await inspect<number>('image', tag, '.Size')]
    return `${Math.round(bytes / 1e6)} MB`
  })

  await checks.check(`${title}: holds what runs, and nothing of tests, of the build or of anybody's secrets`, async () => {
    const files = await filesIn(place, image)
    for (const path of holds) assert.ok(files.includes(path) || files.some((file) => file.startsWith(path)), `${path} is missing`)
    const found = files.filter((path) => unwanted.some((pattern) => pattern.test(path)) && !rightly.test(path))
    assert.deepEqual(found.slice(0, 20), [])
    return `${files.length} files`
  })
}

/** What the build is given: planted files show that it is not given what must not get there. */
export async function contextCheck(checks: Checks): Promise<void> {
  await checks.check('the build is given no secret, no history, no test and nothing that was made on this machine', async () => {
    const planted = ['.env', '.git/config', 'apps/api/.env', 'apps/api/dist/main.js', 'apps/api/src/a.test.ts', 'apps/api/src/testing/b.ts']
    planted.push(
      'data/master.key',
      'deploy/docker/tls.key',
      'deploy/nginx/tls.pem',
      'node_modules/a/index.js',
      'packages/core/node_modules/b.js',
    )
    planted.push('docs/notes.txt', 'exports/results.csv', 'test/e2e/c.ts', 'packages/core/.env')
    const wanted = ['apps/api/src/main.ts', 'package-lock.json', 'package.json', 'packages/core/src/index.ts', 'scripts/cut-packages.ts']
    const directory = temporaryDirectory()
    try {
      const context = join(directory.path, 'context')
      for (const name of [...planted, ...wanted]) {
        mkdirSync(dirname(join(context, name)), { recursive: true })
        writeFileSync(join(context, name), 'planted')
      }
      cpSync(join(repository, '.dockerignore'), join(context, '.dockerignore'))
      const given = join(directory.path, 'given')
      await output(['build', '--quiet', '--output', `type=local,dest=${given}`, '--file', '-', context], {
        input: 'FROM scratch\nCOPY . /\n',
      })
      const files = readdirSync(given, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(given, name)).isFile())
      assert.deepEqual(files.sort(), wanted.sort())
    } finally {
      directory.remove()
    }
    return undefined
  })
}
