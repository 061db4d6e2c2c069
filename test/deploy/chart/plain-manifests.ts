import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { objectsOf } from './helm.ts'

const head = `# Urna for \`kubectl apply\`, without Helm. Written by \`make manifests\` from deploy/helm/urna and values.yaml beside this file. See README.md.
apiVersion: v1
kind: Namespace
metadata:
  name: urna
  labels:
    # Pods with more rights than these are refused.
    pod-security.kubernetes.io/enforce: restricted
`

/** The chart as plain objects, with a Secret that a person makes. */
export function plainManifests(repository: string, helm: { readonly path: string }): string {
  const values = join(repository, 'deploy/kubernetes/values.yaml')
  const words = ['template', 'urna', join(repository, 'deploy/helm/urna'), '--namespace', 'urna', '--values', values]
  const { status, stdout, stderr, error } = spawnSync(helm.path, words, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', KUBECONFIG: '/dev/null' },
  })
  if (status !== 0) throw new Error(`helm ${words.join(' ')}: ${stderr || error?.message}`)
  const objects = objectsOf(stdout).map((object) => `---\n${stringify(object, { version: '1.1', lineWidth: 140 })}`)
  return `${head}${objects.join('')}`
}
