import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitOnSignals, repository } from '../support/standalone-process.ts'
import { whyNoEngine } from './container-engine.ts'
import { Checks } from './images/checks.ts'
import { contentChecks, contextCheck } from './images/contents.ts'
import { Place } from './images/engine.ts'
import { pagesChecks } from './images/frontend-checks.ts'
import { loadBalancerChecks } from './images/load-balancer-checks.ts'
import { urnaChecks } from './images/urna-checks.ts'

/**
 * `make test-images`: builds both images and runs them as a person would, with the engine of the docker client. Takes away what it made,
 * except the two images, if URNA_IMAGE and URNA_FRONTEND_IMAGE give them names.
 *
 *     node test/deploy/images.ts [contents] [urna] [pages] [load-balancer]      (all of them)
 */

const names = ['contents', 'urna', 'pages', 'load-balancer'] as const
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(names as readonly string[]).includes(name))
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. There are: ${names.join(', ')}`)
  process.exit(1)
}
const why = whyNoEngine()
if (why !== null) {
  console.log(`SKIPPED everything: ${why}`)
  console.log('0 passed, 0 failed, 1 skipped')
  process.exit(0)
}

exitOnSignals()
const place = new Place()
process.once('exit', () => place.clear())

const urna = process.env.URNA_IMAGE || place.name('image', 'urna')
const frontend = process.env.URNA_FRONTEND_IMAGE || place.name('image', 'frontend')
const built = spawnSync(join(repository, 'deploy/docker/build'), {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, URNA_IMAGE: urna, URNA_FRONTEND_IMAGE: frontend, API_URL: '' },
})
if (built.status !== 0) {
  console.log('0 passed, 1 failed, 0 skipped')
  process.exit(1)
}

const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
const checks = new Checks()
const parts: Readonly<Record<(typeof names)[number], () => Promise<void>>> = {
  contents: async () => {
    await contextCheck(checks)
    await contentChecks(checks, place, {
      ...{ tag: urna, title: 'urna', user: '1000:1000', version },
      ours: ['/app', '/data', '/exports', '/secrets', '/handed-out', '/usr/local'],
      holds: ['/app/apps/api/dist/main.js', '/app/apps/frontend/dist/index.html', '/app/node_modules/fastify/LICENSE', '/app/package.json'],
    })
    await contentChecks(checks, place, {
      ...{ tag: frontend, title: 'urna-frontend', user: '101:101', version },
      ours: ['/usr/share/urna', '/etc/urna', '/usr/local'],
      holds: ['/usr/share/urna/pages/index.html', '/usr/share/urna/pages/assets/', '/etc/urna/templates/pages.conf.template'],
    })
  },
  urna: () => urnaChecks(checks, place, urna),
  pages: () => pagesChecks(checks, place, frontend),
  'load-balancer': () => loadBalancerChecks(checks, place, { urna, frontend }),
}
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await run()
console.log(checks.line)
process.exitCode = checks.failed === 0 && checks.passed > 0 ? 0 : 1
