import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { KubernetesObject } from './objects.ts'
import type { Helm } from './tools.ts'

export interface HelmRun {
  readonly status: number
  readonly output: string
  readonly errors: string
}

/** Of nobody's own Helm, and of no cluster. */
const environment = {
  PATH: process.env.PATH,
  HOME: join(tmpdir(), 'urna-chart-no-home'),
  KUBECONFIG: '/dev/null',
  HELM_NAMESPACE: 'urna',
}

const runMsMax = 120_000

export function helm({ path }: Helm, words: readonly string[]): Promise<HelmRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, words, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], timeout: runMsMax })
    const [output, errors]: [Buffer[], Buffer[]] = [[], []]
    child.stdout.on('data', (bytes: Buffer) => output.push(bytes))
    child.stderr.on('data', (bytes: Buffer) => errors.push(bytes))
    child.on('error', reject)
    child.on('close', (status) =>
      resolve({ status: status ?? 1, output: Buffer.concat(output).toString(), errors: Buffer.concat(errors).toString() }),
    )
  })
}

/** The objects of a chart as `helm template` renders them. */
export async function render(program: Helm, words: readonly string[]): Promise<KubernetesObject[]> {
  const { status, output, errors } = await helm(program, ['template', ...words])
  if (status !== 0) throw new Error(`${program.name}: helm template ${words.join(' ')} ended with ${status}:\n${errors}`)
  return objectsOf(output)
}

export function objectsOf(text: string): KubernetesObject[] {
  // As Helm and kubectl read it: yes and off are no texts, 0440 is octal.
  return parseAllDocuments(text, { version: '1.1', uniqueKeys: true }).flatMap((document) => {
    const [fault] = [...document.errors, ...document.warnings]
    if (fault !== undefined) throw fault
    const content = document.toJS() as KubernetesObject | null
    return content === null ? [] : [content]
  })
}
