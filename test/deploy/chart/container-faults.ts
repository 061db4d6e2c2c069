import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from '../../support/standalone-process.ts'
import { eventually } from '../images/checks.ts'
import { docker, execIn, isEngineHere, logsOf, output, Place } from '../images/engine.ts'
import { type Container, containersOf, type KubernetesObject, type Pod, podsOf } from './objects.ts'

const readyWithinMs = 120_000

/**
 * Starts the servers of the chart in their images as a kubelet would: with their options, variables and volumes, as their user, without
 * capabilities, on a root that is only read, within their memory; and asks each one's startup probe. Null: an image is not here.
 *
 * Databases without the start-up script of their image: it is another one in each image that bears the name.
 */
export async function containerFaults(objects: readonly KubernetesObject[]): Promise<string[] | null> {
  const servers = podsOf(objects).filter(({ owner }) => owner.kind === 'StatefulSet')
  const images = servers.flatMap((pod) => containersOf(pod).map(({ image }) => image))
  const there = await Promise.all(images.map(async (image) => (await docker(['image', 'inspect', image])).status === 0))
  if (!isEngineHere || there.includes(false)) return null
  const [place, folder] = [new Place(), temporaryDirectory()]
  try {
    const found = await Promise.all(servers.map((pod) => faultsOf(pod, objects, place, folder.path)))
    return found.flat()
  } finally {
    place.clear()
    folder.remove()
  }
}

/** Makes its data, and starts it with the options that it is given. */
const databaseStart = `
for option; do case $option in --datadir=*) data=\${option#*=} ;; esac; done
if command -v mariadbd >/dev/null; then
  mariadb-install-db --no-defaults --datadir="$data" >/dev/null
  # As the images of both servers do: who asks from anywhere is told that the password is wrong, and not that nobody may ask.
  echo "create user root@'%' identified by 'not asked here';" >/tmp/first.sql
  exec mariadbd "$@" --init-file=/tmp/first.sql
fi
mysqld --no-defaults --initialize-insecure --datadir="$data"
exec mysqld "$@"
`

async function faultsOf(pod: Pod, objects: readonly KubernetesObject[], place: Place, folder: string): Promise<string[]> {
  const [container] = containersOf(pod) as [Container]
  const mounts = await mountsOf(pod, container, objects, join(folder, pod.component), place)
  const isDatabase = pod.component.startsWith('mysql')
  const options = [...optionsOf(pod, container), ...mounts, ...(isDatabase ? ['--entrypoint', '/bin/sh'] : [])]
  const begin = isDatabase ? ['-ec', databaseStart, 'sh'] : []
  const name = await place.start(pod.component, ...options, container.image, ...begin, ...(container.args ?? []))
  const command = container.startupProbe?.exec?.command ?? ['false']
  try {
    const found = await eventually(
      `${pod.component}: its startup probe`,
      async () => {
        const { status, stdout, stderr } = await execIn(name, ...command)
        if (status === 0) return 'well'
        return /is not running/.test(stderr) ? 'ended' : `${stdout}${stderr}`
      },
      (said) => said === 'well' || said === 'ended',
      readyWithinMs,
    )
    const log = await logsOf(name)
    if (found !== 'well') return [`${pod.component} ended:\n${log}`]
    return /ready (for|to accept) connections/i.test(log) ? [] : [`${pod.component}: nobody can read its log`]
  } catch (error) {
    return [`${(error as Error).message}\n${await logsOf(name)}`]
  }
}

function optionsOf({ spec }: Pod, { env, resources, securityContext }: Container): string[] {
  const { runAsUser, runAsGroup } = spec.securityContext as { runAsUser: number; runAsGroup: number }
  const { drop } = (securityContext?.capabilities ?? { drop: [] }) as { drop: readonly string[] }
  const memory = String(resources?.limits?.memory).replace(/^(\d+)([KMG])i$/, (_match, size, unit) => `${size}${unit.toLowerCase()}`)
  return [
    ...['--user', `${runAsUser}:${runAsGroup}`, '--memory', memory, '--memory-swap', memory],
    ...drop.flatMap((capability) => ['--cap-drop', capability]),
    ...(securityContext?.readOnlyRootFilesystem === true ? ['--read-only'] : []),
    ...(securityContext?.allowPrivilegeEscalation === false ? ['--security-opt', 'no-new-privileges'] : []),
    ...(env ?? []).flatMap(({ name, value = '' }) => ['--env', `${name}=${value}`]),
  ]
}

/** Volumes as the pod's group finds them; what is in Secrets and ConfigMaps as files. */
async function mountsOf(
  pod: Pod,
  container: Container,
  objects: readonly KubernetesObject[],
  folder: string,
  place: Place,
): Promise<string[]> {
  const { fsGroup } = pod.spec.securityContext as { fsGroup: number }
  const mounts: string[] = []
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const { secret, configMap } = pod.spec.volumes?.find((volume) => volume.name === name) ?? {}
    const source = secret?.secretName ?? configMap?.name
    if (source === undefined) {
      const volume = place.name('volume', `${pod.component}-${name}`)
      await output(['volume', 'create', volume])
      const prepare = ['--entrypoint', '/bin/sh', container.image, '-c', `chgrp ${fsGroup} /it && chmod 2775 /it`]
      const { status, stderr } = await place.run('--user', '0', '--volume', `${volume}:/it`, ...prepare)
      if (status !== 0) throw new Error(stderr)
      // Docker would put what the image has there into it, with its owner.
      mounts.push('--mount', `type=volume,src=${volume},dst=${mountPath},volume-nocopy`)
      continue
    }
    const kind = secret === undefined ? 'ConfigMap' : 'Secret'
    const data = objects.find((object) => object.kind === kind && object.metadata.name === source)?.data ?? {}
    const files = secret?.items ?? Object.keys(data).map((key) => ({ key, path: key }))
    mkdirSync(join(folder, name), { recursive: true })
    for (const { key, path } of files) {
      const content = kind === 'Secret' ? Buffer.from(data[key] ?? '', 'base64') : (data[key] ?? '')
      writeFileSync(join(folder, name, path), content, { mode: 0o444 })
    }
    mounts.push('--volume', `${join(folder, name)}:${mountPath}:ro`)
  }
  return mounts
}
