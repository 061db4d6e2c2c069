import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'urna-pipeline-'))
afterAll(() => rmSync(folder, { recursive: true }))

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const script = (name: string) => join(root, 'deploy/pipeline', name)

/** A program that writes down how it was called, and says `answer`. */
function recorder(name: string, answer = ''): void {
  writeFileSync(join(folder, `${name}-says`), answer)
  writeFileSync(join(folder, name), `#!/bin/sh\nprintf '%s\\n' "$*" >>"${join(folder, 'calls')}"\ncat "${join(folder, `${name}-says`)}"\n`)
  chmodSync(join(folder, name), 0o755)
}

/** As Helm writes it, of lines such as `2 failed Upgrade failed`. test/deploy/chart asks Helm itself. */
function historyOf(...revisions: readonly string[]): string {
  return JSON.stringify(
    revisions.map((line) => {
      const [revision, status, ...description] = line.split(' ')
      const of = { chart: 'urna-0.1.0', app_version: '0.1.0', description: description.join(' ') }
      return { revision: Number(revision), updated: '2026-11-21T20:00:00.0Z', status, ...of }
    }),
  )
}

function run(name: string, environment: Record<string, string>, ...argumentsOf: string[]) {
  rmSync(join(folder, 'calls'), { force: true })
  const { status, stderr } = spawnSync('/bin/sh', [script(name), ...argumentsOf], {
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env.PATH}`, HOME: folder, ...environment },
  })
  const calls = existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trimEnd().split('\n') : []
  return { status, stderr, calls }
}

describe('pipelines', () => {
  const pipelines = ['.gitlab-ci.yml', '.github/workflows/pipeline.yml']
  const basesFile = join(root, 'deploy/docker/base-images')

  it.each(pipelines)('%s uses Node and servers of the versions that we ship', (path) => {
    const bases = readFileSync(basesFile, 'utf8')
      .split('\n')
      .filter((line) => /^\w+=/.test(line))
      .map((line) => line.slice(line.indexOf('=') + 1))
    const used = [...read(path).matchAll(/(?<![\w/.-])((?:node|mysql|mariadb|redis):[\w.-]+)/g)].map(([, image]) => image)
    expect(used.length).toBeGreaterThan(2)
    expect(used.filter((image) => !bases.includes(image ?? ''))).toEqual([])
  })

  it.each(pipelines)('%s calls only targets of the Makefile and scripts that are there', (path) => {
    const commands = read(path)
      .split('\n')
      .filter((line) => /^\s*(- |- run: |script: )/.test(line))
    const targets = commands.flatMap((line) => [...line.matchAll(/\bmake ([a-z-]+)/g)].map(([, target]) => target ?? ''))
    const makefile = read('Makefile')
    expect(targets.length).toBeGreaterThan(5)
    expect(targets.filter((target) => !new RegExp(`^${target}:`, 'm').test(makefile))).toEqual([])
    const scripts = [...read(path).matchAll(/deploy\/pipeline\/[\w-]+\.sh/g)].map(([name]) => name)
    expect(scripts.filter((name) => !existsSync(join(root, name)))).toEqual([])
    expect(scripts.filter((name) => (statSync(join(root, name)).mode & 0o111) === 0)).toEqual([])
  })

  it('pins what it takes from others', () => {
    const uses = [...read('.github/workflows/pipeline.yml').matchAll(/uses: (\S+)/g)].map(([, action]) => action)
    expect(uses.length).toBeGreaterThan(4)
    expect(uses.filter((action) => !/@[0-9a-f]{40}$/.test(action ?? ''))).toEqual([])
    const [trivy, ...others] = pipelines.map((path) => /TRIVY_IMAGE: (\S+)/.exec(read(path))?.[1])
    expect(others).toEqual([trivy])
    expect(pipelines.flatMap((path) => read(path).match(/:(latest|stable)\b/g) ?? [])).toEqual([])
  })
})

describe('scripts of the pipelines', () => {
  const password = 'a secret with "quotes" and $signs'
  const registry = { CI_REGISTRY: 'registry.example', CI_REGISTRY_USER: 'somebody', CI_REGISTRY_PASSWORD: password }

  it('registry-login.sh writes what tools read, for nobody else', () => {
    const { status, stderr } = run('registry-login.sh', { ...registry, DOCKER_CONFIG: join(folder, 'docker') })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const file = join(folder, 'docker/config.json')
    const { auths } = JSON.parse(readFileSync(file, 'utf8')) as { auths: Record<string, { auth: string }> }
    expect(Buffer.from(auths['registry.example']?.auth ?? '', 'base64').toString()).toBe(`somebody:${password}`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.skipIf(spawnSync('strace', ['-V']).error !== undefined)('registry-login.sh starts no program with the password', () => {
    const traced = spawnSync('strace', ['-f', '-e', 'trace=execve', '-s', '4096', '/bin/sh', script('registry-login.sh')], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', DOCKER_CONFIG: join(folder, 'docker'), ...registry },
    })
    expect(traced.stderr).toContain('execve')
    expect(traced.stderr).not.toContain('a secret with')
  })

  it('build-image.sh builds an image that there is, tagged by its commit', () => {
    recorder('buildctl-daemonless.sh')
    const environment = { REGISTRY_IMAGE: 'registry.example/urna', COMMIT: 'c0ffee' }
    const unknown = run('build-image.sh', environment, 'other')
    expect(unknown).toMatchObject({ status: 2, calls: [] })
    expect(unknown.stderr).toContain('expected urna or urna-frontend')
    expect(run('build-image.sh', { REGISTRY_IMAGE: 'x' }, 'urna').stderr).toContain('COMMIT: the commit that is built')
    const { status, calls } = run('build-image.sh', environment, 'urna')
    expect(status).toBe(0)
    expect(calls[0]).toContain('--opt filename=urna.Dockerfile')
    expect(calls[0]).toContain('--opt build-arg:REVISION=c0ffee')
    expect(calls[0]).toContain('name=registry.example/urna/urna:c0ffee,push=true')
  })

  it('deploy.sh deploys the images of one commit to one namespace, waits, and tries them', () => {
    recorder('helm')
    const values = join(folder, 'values.yaml')
    writeFileSync(values, 'api: {}\n')
    const environment = { KUBE_NAMESPACE: 'place', REGISTRY_IMAGE: 'registry.example/urna', COMMIT: 'c0ffee', VALUES_FILE: values }
    const { status, calls } = run('deploy.sh', environment)
    expect(status).toBe(0)
    expect(calls).toHaveLength(3)
    expect(calls[0]).toMatch(/^upgrade urna deploy\/helm\/urna --install --namespace place --values /)
    for (const part of [
      '--set-string image.repository=registry.example/urna/urna --set-string image.tag=c0ffee',
      // Its tag is that of the other image.
      '--set-string frontendImage.repository=registry.example/urna/urna-frontend --wait',
      '--wait-for-jobs --rollback-on-failure --timeout 10m',
    ]) {
      expect(calls[0]).toContain(part)
    }
    expect(calls[1]).toBe('test urna --namespace place --timeout 5m')
    // A release that is ready and does not work.
    writeFileSync(
      join(folder, 'helm'),
      `#!/bin/sh\nprintf '%s\\n' "$*" >>"${join(folder, 'calls')}"\n[ "$1" != test ] || exit 1\n[ "$1" != history ] || echo '${historyOf('1 superseded Install complete', '2 deployed Upgrade complete')}'\n`,
    )
    const broken = run('deploy.sh', environment)
    expect(broken.status).toBe(1)
    expect(broken.calls).toContain('rollback urna 1 --namespace place --wait --wait-for-jobs --timeout 10m')
    expect(run('deploy.sh', { ...environment, KUBE_NAMESPACE: '' })).toMatchObject({ status: 2, calls: [] })
    expect(run('deploy.sh', { ...environment, VALUES_FILE: '/nowhere' }).stderr).toBe('VALUES_FILE: there is no file /nowhere\n')
  })

  it.each([
    ['the one before', ['1 superseded Install complete', '2 deployed Upgrade complete'], '1'],
    ['not to one that failed', ['1 superseded Install complete', '2 failed Upgrade failed', '3 deployed Upgrade complete'], '1'],
    [
      'not to what it has just come from',
      ['1 superseded Install complete', '2 superseded Upgrade complete', '3 failed Upgrade failed', '4 deployed Rollback to 2'],
      '1',
    ],
    [
      'further back, when asked again',
      ['4 superseded Upgrade complete', '5 superseded Upgrade complete', '6 superseded Upgrade complete', '7 deployed Rollback to 5'],
      '4',
    ],
    [
      'to what was last in use, where nothing is',
      ['8 superseded Upgrade complete', '9 failed Upgrade failed', '10 failed Upgrade failed'],
      '8',
    ],
    ['nowhere, from the first', ['1 deployed Install complete'], ''],
  ])('revision-before.sh goes back: %s', (_where, revisions, expected) => {
    const { stdout, status } = spawnSync(script('revision-before.sh'), { input: historyOf(...revisions), encoding: 'utf8' })
    expect({ status, revision: stdout.trim() }).toEqual({ status: 0, revision: expected })
  })

  it('roll-back.sh goes to the release before, or to the one that is named', () => {
    recorder('helm', historyOf('1 superseded Install complete', '2 superseded Upgrade complete', '3 deployed Upgrade complete'))
    expect(run('roll-back.sh', { KUBE_NAMESPACE: 'place' }).calls).toContain(
      'rollback urna 2 --namespace place --wait --wait-for-jobs --timeout 10m',
    )
    expect(run('roll-back.sh', { KUBE_NAMESPACE: 'place', REVISION: '7' }).calls[0]).toMatch(/^rollback urna 7 --namespace place/)
    // What a form sends where nothing was filled in.
    expect(run('roll-back.sh', { KUBE_NAMESPACE: 'place', REVISION: '0' }).calls[1]).toMatch(/^rollback urna 2 /)
    recorder('helm', historyOf('1 deployed Install complete'))
    const nowhere = run('roll-back.sh', { KUBE_NAMESPACE: 'place' })
    expect(nowhere).toMatchObject({ status: 1, stderr: expect.stringContaining('no release of urna before this one') })
    expect(nowhere.calls).toHaveLength(1)
  })
})

interface Role {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules: readonly { readonly apiGroups: string[]; readonly resources: string[]; readonly verbs: string[] }[]
}

describe('rights of the pipeline in a cluster', () => {
  const text = read('deploy/gitlab/deployer.yaml')
  const templates = join(root, 'deploy/helm/urna/templates')

  it('are Roles, in one namespace each', () => {
    expect([...text.matchAll(/^kind: (\w+)/gm)].map(([, kind]) => kind)).toEqual([
      'ServiceAccount',
      'Role',
      'RoleBinding',
      'ServiceAccount',
      'Role',
      'RoleBinding',
    ])
    expect(text).not.toMatch(/cluster-admin|ClusterRole|"\*"|\[\*|- \*/)
  })

  it('are enough for every kind of the chart', () => {
    const roles = parseAllDocuments(text).map((document) => document.toJS() as Role)
    const { rules } = roles.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'deployer') as Role
    const mayDo = (apiGroup: string, resource: string) =>
      rules.filter(({ apiGroups, resources }) => apiGroups.includes(apiGroup) && resources.includes(resource)).flatMap(({ verbs }) => verbs)
    const listed = readdirSync(templates).map((name) => readFileSync(join(templates, name), 'utf8'))
    const kinds = new Set(listed.flatMap((template) => template.match(/^apiVersion: \S+\nkind: \w+$/gm) ?? []))
    expect(kinds.size).toBeGreaterThan(10)
    const plural = (kind: string) => kind.toLowerCase().replace(/y$/, 'ie').replace(/ss$/, 'sse').concat('s')
    const missing = [...kinds].flatMap((lines) => {
      const [, version = '', kind = ''] = /^apiVersion: (\S+)\nkind: (\w+)$/.exec(lines) ?? []
      const verbs = mayDo(version.includes('/') ? (version.split('/')[0] ?? '') : '', plural(kind))
      return ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete']
        .filter((verb) => !verbs.includes(verb))
        .map((verb) => `${verb} ${version} ${kind}`)
    })
    expect(missing).toEqual([])
  })
})
