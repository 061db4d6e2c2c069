import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { repository, temporaryDirectory } from '../support/standalone-process.ts'
import { whyNoEngine } from './container-engine.ts'
import { npmTool } from './npm-tool.ts'

const version = '4.75.1'

interface PipelineJob {
  readonly name: string
  readonly stage: string
  readonly when: string
}

export interface LocalPipeline {
  /** Everything that is wrong with the file. */
  faults(): string[]
  /** Why this job cannot be run here; null: it can. */
  cannotRun(job: string): string | null
  run(job: string): { readonly status: number | null; readonly output: string }
}

/** What must be there, and when it runs on the default branch. */
const expected: Readonly<Record<string, readonly [stage: string, when: string]>> = {
  check: ['check', 'on_success'],
  files: ['check', 'on_success'],
  chart: ['check', 'on_success'],
  audit: ['check', 'on_success'],
  test: ['test', 'on_success'],
  'test-servers': ['test', 'on_success'],
  'test-services': ['test', 'on_success'],
  'test-failure': ['test', 'on_success'],
  build: ['build', 'on_success'],
  scan: ['scan', 'on_success'],
  staging: ['staging', 'on_success'],
  production: ['production', 'manual'],
  'roll-back': ['production', 'manual'],
}

/** What would change something elsewhere, or asks somebody elsewhere. */
const neverHere: Readonly<Record<string, string>> = {
  audit: "the registry's list of faults",
  build: 'a registry to push to',
  scan: 'images in a registry',
  staging: 'a cluster',
  production: 'a cluster',
  'roll-back': 'a cluster',
}

/** Jobs that `make test-deploy` runs, too; PIPELINE_JOBS names others, or none. */
export function jobsOfPipeline(): string[] {
  return (process.env.PIPELINE_JOBS ?? 'test-services').split(/[\s,]+/).filter((name) => name !== '')
}

/** .gitlab-ci.yml on this machine, by gitlab-ci-local. */
export function localPipeline(): LocalPipeline | { readonly missing: string } {
  for (const program of ['git', 'rsync', 'bash']) {
    if (spawnSync(program, ['--version']).error !== undefined) return { missing: `apt-get install ${program}` }
  }
  const tool = npmTool('gitlab-ci-local', version)
  if (typeof tool !== 'string') return tool

  const call = (argumentsOf: readonly string[], timeoutMs: number) => {
    // Its state and its home elsewhere: nothing of a person's is read, and nothing is left in the project.
    const state = temporaryDirectory()
    try {
      const options = ['--state-dir', relative(repository, state.path), '--home', state.path, '--no-color']
      // As on the default branch, whatever is checked out here.
      const named = ['CI_DEFAULT_BRANCH', 'CI_COMMIT_BRANCH']
      const branch = [...named.flatMap((name) => ['--variable', `${name}=main`]), '--ignore-predefined-vars', named.join(',')]
      const ended = spawnSync(process.execPath, [join(tool, 'dist/index.js'), ...options, ...branch, ...argumentsOf], {
        cwd: repository,
        encoding: 'utf8',
        // Its own images for copying files and for waiting are not needed: any with a shell copies, and what has to wait does so itself.
        // The variable is what it tells a job that it runs, and does not understand itself.
        env: { GCL_HELPER_IMAGE: nodeImage(), GCL_WAIT_IMAGE: nodeImage(), ...process.env, GCL_PROJECT_DIR_ON_HOST: undefined },
        timeout: timeoutMs,
        maxBuffer: 256 * 1024 * 1024,
      })
      return {
        status: ended.status,
        stdout: ended.stdout ?? '',
        output: `${ended.stdout ?? ''}${ended.stderr ?? ''}${ended.error?.message ?? ''}`,
      }
    } finally {
      state.remove()
    }
  }
  return {
    faults() {
      const listed = call(['--list-json'], 60_000)
      if (listed.status !== 0) return [listed.output]
      return faultsOf(JSON.parse(listed.stdout.slice(listed.stdout.search(/^\[$/m))) as PipelineJob[])
    },
    cannotRun(job) {
      const needs = neverHere[job]
      if (needs !== undefined) return `needs ${needs}`
      const noEngine = whyNoEngine()
      if (noEngine !== null) return noEngine
      const missing = imagesOf(job).filter((image) => !isImageHere(image))
      return missing.length === 0 ? null : `cannot get the image ${missing.join(', ')}`
    },
    run: (job) => call([job, '--no-needs', '--pull-policy', 'if-not-present'], 45 * 60_000),
  }
}

function pipelineText(): string {
  return readFileSync(join(repository, '.gitlab-ci.yml'), 'utf8')
}

function nodeImage(): string {
  return /^ {2}NODE_IMAGE: (\S+)$/m.exec(pipelineText())?.[1] ?? ''
}

/** Those of a job, and of its services. */
function imagesOf(job: string): string[] {
  const text = pipelineText()
  const ofJob = new RegExp(`^${job}:\\n((?: .*|\\s*|#.*)\\n)*`, 'm').exec(text)?.[0] ?? ''
  const variables = [...ofJob.matchAll(/\$(\w+_IMAGE)\b/g)].flatMap(
    ([, name]) => new RegExp(`^ {2}${name}: (\\S+)$`, 'm').exec(text)?.[1] ?? [],
  )
  const listed = [...ofJob.matchAll(/_IMAGE: \[(.*)\]/g)].flatMap(([, names]) => (names ?? '').split(/,\s*/))
  return [...(/^ {2}image:/m.test(ofJob) ? [] : [nodeImage()]), ...variables, ...listed]
}

function isImageHere(image: string): boolean {
  const docker = (...words: string[]) => spawnSync('docker', words, { stdio: 'ignore', timeout: 300_000 }).status === 0
  return docker('image', 'inspect', image) || docker('pull', image)
}

function faultsOf(jobs: readonly PipelineJob[]): string[] {
  const faults: string[] = []
  // `build: [urna]` is one of those that `build` is.
  const names = new Set(jobs.map(({ name }) => name.replace(/: \[.*$/, '')))
  for (const [name, [stage, when]] of Object.entries(expected)) {
    const found = jobs.filter((job) => job.name.replace(/: \[.*$/, '') === name)
    if (found.length === 0) faults.push(`there is no job ${name} on the default branch`)
    for (const job of found) {
      if (job.stage !== stage || job.when !== when) faults.push(`${job.name} is ${job.stage}, ${job.when}; expected ${stage}, ${when}`)
    }
  }
  for (const name of names) if (!(name in expected)) faults.push(`${name} is a new job: say in local-pipeline.ts when it runs`)
  return [...faults, ...faultsOfText(pipelineText())]
}

/** What no schema says: no password on a command line, no image without its version. */
function faultsOfText(text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    const at = `.gitlab-ci.yml:${index + 1}`
    return [
      ...(/(--password(?!-stdin)|\s-p)[ =]\S/.test(line) ? [`${at}: a password on a command line is seen by every process`] : []),
      ...(/^\s*(\w*IMAGE|image|name): *"?[\w./-]+:(latest|stable)\b/.test(line) ? [`${at}: an image without a version`] : []),
    ]
  })
}
