import { spawnSync } from 'node:child_process'

/** Why there is nothing here that runs containers; null: there is. The docker client knows where: DOCKER_HOST, or what it was told before. */
export function whyNoEngine(): string | null {
  const asked = spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { encoding: 'utf8', timeout: 10_000 })
  if (asked.error !== undefined) return 'docker is not installed'
  return asked.status === 0 ? null : 'no container engine answers: start one, or say where it is with DOCKER_HOST'
}

/** Where ports that are published can be reached: an engine may be another machine. */
export function engineHost(dockerHost = process.env.DOCKER_HOST): string {
  return dockerHost?.startsWith('tcp://') ? new URL(dockerHost).hostname : '127.0.0.1'
}
