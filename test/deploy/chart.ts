import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { serverKinds } from '../servers/support/mysql-servers.ts'
import { badValues } from './chart/bad-values.ts'
import { containerFaults } from './chart/container-faults.ts'
import { helm, render } from './chart/helm.ts'
import { installationFaults } from './chart/installation.ts'
import { schemaFaults } from './chart/kubernetes-schema.ts'
import { reachable } from './chart/network.ts'
import { type KubernetesObject, podsOf } from './chart/objects.ts'
import { pairFaults } from './chart/pair-faults.ts'
import { plainManifests } from './chart/plain-manifests.ts'
import { podFaults } from './chart/pod-faults.ts'
import { type OutsideObjects, referenceFaults } from './chart/reference-faults.ts'
import { expectedArrows, type Scenario, scenarios } from './chart/scenarios.ts'
import { databaseOptionFaults, redisConfigFaults } from './chart/server-faults.ts'
import { settingFaults } from './chart/setting-faults.ts'
import { smokeTestFaults } from './chart/smoke-test-faults.ts'
import { fetchTools, type Helm } from './chart/tools.ts'
import { imageFaults, secretFaults, urnaFaults } from './chart/urna-faults.ts'
import { whyNoEngine } from './container-engine.ts'

/**
 * `make test-chart`: the Helm chart, rendered by Helm 3 and Helm 4 with every values file and some more, and everything about the objects that can be
 * known without a cluster. Bad values are refused in words. The built packages must be there: `tsc -b`.
 */

const repository = resolve(import.meta.dirname, '../..')
const chart = join(repository, 'deploy/helm/urna')
const { helms, packages } = fetchTools(repository)
const [three, four] = helms

const counts = { passed: 0, failed: 0, skipped: 0 }
const failures: string[] = []

/** `find` returns what is wrong, or null where it cannot be known. */
async function check(name: string, find: () => readonly string[] | null | Promise<readonly string[] | null>): Promise<void> {
  let faults: readonly string[] | null
  try {
    faults = await find()
  } catch (error) {
    faults = [(error as Error).message]
  }
  if (faults === null) {
    counts.skipped++
    console.log(`SKIPPED ${name}`)
  } else if (faults.length === 0) {
    counts.passed++
    console.log(`ok      ${name}`)
  } else {
    counts.failed++
    console.log(`FAILED  ${name}\n${faults.map((fault) => `        ${fault}`).join('\n')}`)
    failures.push(`FAILED ${name}: ${faults[0]}`)
  }
}

/** What a person makes for these values: the Secret of `urna make-secrets` with keys of AWS in it, and an authority's certificate. */
const secretKeys = [
  ...['master-key', 'admin-token', 'admin-password', 'database-password', 'database-root-password', 'replication-password'],
  ...['redis-password', 'redis.conf', 'aws-access-key', 'aws-secret-key'],
]
const outside: OutsideObjects = {
  secrets: {
    ...Object.fromEntries(['mine', 'urna-secrets', 'voteapp-secrets'].map((name) => [name, secretKeys])),
    authority: ['ca.crt'],
    'mysql-authority': ['ca.crt'],
  },
}

function wordsOf({ files, set }: Scenario): string[] {
  const paths = files.map((file) => (file.startsWith('/') ? join(repository, file) : join(chart, file)))
  return ['urna', chart, ...paths.flatMap((path) => ['--values', path]), ...set.flatMap((word) => ['--set', word])]
}

/** Behind the name of what is skipped: what to do. */
const told = (missing: string | null) => (missing === null ? '' : ` (${missing})`)

const withoutSecrets = (objects: readonly KubernetesObject[]) =>
  JSON.stringify(objects.map((object) => (object.kind === 'Secret' ? { ...object, data: Object.keys(object.data ?? {}) } : object)))

async function checkScenario(scenario: Scenario): Promise<void> {
  const words = wordsOf(scenario)
  const about = (what: string) => `${scenario.name}: ${what}`
  const rendered = new Map<Helm, KubernetesObject[]>()
  for (const program of helms) {
    await check(about(`${program.name} lint --strict`), async () => {
      const { status, output, errors } = await helm(program, ['lint', '--strict', ...words.slice(1)])
      return status === 0 && !output.includes('[WARNING]') ? [] : [`${output}${errors}`]
    })
    await check(about(`${program.name} template`), async () => {
      rendered.set(program, await render(program, words))
      return []
    })
  }
  const [first, second] = [rendered.get(three), rendered.get(four)]
  if (first === undefined || second === undefined) return
  await check(about('Helm 3 and Helm 4 render the same'), () => (byName(first) === byName(second) ? [] : ['they differ']))
  await check(about(`${second.length} objects are as Kubernetes, KEDA and the Prometheus operator know them`), async () =>
    (await Promise.all(second.map((object) => schemaFaults(object, packages)))).flat(),
  )
  await check(about('objects that are named are there, with their keys, labels and ports'), () => referenceFaults(second, outside))
  await check(about('pods are restricted, bounded and probed'), () => podFaults(second))
  await check(about('each container gets settings that its process takes'), () => settingFaults(second, outside, repository))
  await check(about('jobs, CSV, databases, Redis, addresses, figures'), () => urnaFaults(second, repository))
  await check(about('policies let exactly these through'), () => arrowFaults(second, scenario))
  await check(about('secrets are made anew, and stand in the Secret only'), () => secretFaults(first, second))
}

function byName(objects: readonly KubernetesObject[]): string {
  const key = ({ kind, metadata }: KubernetesObject) => `${kind} ${metadata.name}`
  return withoutSecrets([...objects].sort((a, b) => key(a).localeCompare(key(b))))
}

function arrowFaults(objects: readonly KubernetesObject[], scenario: Scenario): string[] {
  const arrows = reachable(objects)
  if (scenario.arrows === null) return arrows.length > 50 ? [] : ['something is refused, without policies']
  const callsNobody = ['frontend', 'mysql-primary', 'redis']
  const lookingUp = [...new Set(podsOf(objects).map(({ component }) => component))].filter((name) => !callsNobody.includes(name))
  const expected = expectedArrows(scenario, lookingUp)
  return [
    ...arrows.filter((arrow) => !expected.includes(arrow)).map((arrow) => `let through: ${arrow}`),
    ...expected.filter((arrow) => !arrows.includes(arrow)).map((arrow) => `refused: ${arrow}`),
  ]
}

const [first] = scenarios as readonly [Scenario, ...Scenario[]]
const mariadbScenario = scenarios.find(({ name }) => name.startsWith('MariaDB')) as Scenario

await check('every values file is rendered here', () => {
  const files = readdirSync(chart).filter((name) => /^values-.*\.yaml$/.test(name))
  return files.filter((file) => !scenarios.some((scenario) => scenario.files.includes(file)))
})
for (const scenario of scenarios) await checkScenario(scenario)

await check('images of servers are those of deploy/docker/base-images', async () => {
  const own = imageFaults(await render(four, wordsOf(first)), repository)
  if (own === null) return null
  return [...own, ...(imageFaults(await render(four, wordsOf(mariadbScenario)), repository) ?? [])]
})
await check('deploy/kubernetes/urna.yaml is what `make manifests` makes', () => {
  const there = readFileSync(join(repository, 'deploy/kubernetes/urna.yaml'), 'utf8')
  return there === plainManifests(repository, four) ? [] : ['it is not: run make manifests']
})
for (const kind of serverKinds()) {
  const objects = await render(four, wordsOf(kind.product === 'MySQL' ? first : mariadbScenario))
  await check(`${kind.name} takes the options of the servers${told(kind.missing)}`, () => databaseOptionFaults(objects))
  await check(`${kind.name}: two servers with these options, and the built jobs with their settings${told(kind.missing)}`, () =>
    kind.missing === null ? pairFaults(objects, kind, repository) : null,
  )
}
const noEngine = whyNoEngine()
for (const [what, scenario] of [
  ['MySQL and Redis', first],
  ['MariaDB', mariadbScenario],
] as const) {
  await check(`${what} start in their images, as restricted as the chart says${told(noEngine)}`, async () =>
    noEngine === null ? containerFaults(await render(four, wordsOf(scenario))) : null,
  )
}
await check('Redis takes its configuration, and asks for its password', async () => redisConfigFaults(await render(four, wordsOf(first))))
await check('what helm test runs finds Urna well, and nothing else', async () => smokeTestFaults(await render(four, wordsOf(first))))
await check('a release that is called otherwise names its objects after itself', async () => {
  const objects = await render(four, ['voteapp', chart])
  return objects.filter(({ metadata }) => !metadata.name.startsWith('voteapp-urna')).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
})
await check('the longest name of a release leaves every name valid', async () => {
  const objects = await render(four, ['a'.repeat(53), chart])
  return referenceFaults(objects, outside).filter((fault) => fault.includes('no name for it'))
})
for (const program of helms) {
  await check(`${program.name}: install, upgrade, roll back, uninstall and install again keep the secrets`, () =>
    installationFaults(program, chart),
  )
  for (const { set, says } of badValues) {
    await check(`${program.name} refuses ${set.join(' ')}`, async () => {
      const { status, errors } = await helm(program, ['template', 'urna', chart, ...set.flatMap((word) => ['--set', word])])
      if (status === 0) return ['it was rendered']
      return says.test(errors) ? [] : [`it says: ${errors}`]
    })
  }
}
await check('the version of the chart is that of Urna', () => {
  const { appVersion } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8')) as { appVersion: string }
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
  return appVersion === version ? [] : [`appVersion ${appVersion}, package.json ${version}`]
})

for (const failure of failures) console.log(failure)
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)
