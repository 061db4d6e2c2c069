import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { helm } from './helm.ts'
import { ObjectServer } from './object-server.ts'
import type { Helm } from './tools.ts'

const secretKeys = [
  ...['admin-password', 'admin-token', 'database-password', 'database-root-password', 'master-key'],
  ...['redis-password', 'redis.conf', 'replication-password'],
]

/** Installs, upgrades, removes and installs again on a server that only keeps objects. Returns what was not as it should be. */
export async function installationFaults(program: Helm, chart: string): Promise<string[]> {
  const server = await ObjectServer.start()
  const faults: string[] = []
  const expect = (what: string, holds: boolean) => {
    if (!holds) faults.push(what)
  }
  async function run(...words: string[]): Promise<string> {
    const { status, output, errors } = await helm(program, [...words, '--kube-apiserver', server.url])
    if (status !== 0) throw new Error(`helm ${words[0]} ended with ${status}: ${errors || output}`)
    return output
  }
  const upgrade = (...words: string[]) => run('upgrade', 'urna', chart, ...applying, ...words)
  // The stand-in has no schemas.
  const applying = ['--disable-openapi-validation']
  const dataOf = () => server.find('Secret', 'urna-secrets')?.data as Record<string, string> | undefined
  const jobs = () => server.names().filter((name) => name.startsWith('Job '))
  try {
    const notes = await run('install', 'urna', chart, ...applying)
    const made = dataOf() ?? {}
    expect(
      `a Secret with ${secretKeys.join(', ')}, and not ${Object.keys(made).sort().join(', ')}`,
      Object.keys(made).sort().join() === secretKeys.join(),
    )
    expect('a master key of 32 bytes', Buffer.from(text(made['master-key']), 'base64').length === 32)
    expect('the same password for Redis and those who ask it', text(made['redis.conf']) === `requirepass ${text(made['redis-password'])}\n`)
    expect('a replication password that a server keeps whole', text(made['replication-password']).length === 32)
    expect('jobs of revision 1', jobs().join() === 'Job urna-csv-1,Job urna-migration-1,Job urna-replication-1')
    expect(
      'notes that lead on',
      /port-forward service\/urna-frontend 8000/.test(notes) && /admin-password/.test(notes) && /urna-migration-1/.test(notes),
    )
    expect('no secret in what is shown', !Object.values(made).some((value) => notes.includes(text(value))))

    await upgrade('--set', 'image.tag=next')
    expect('every secret as before after an upgrade', JSON.stringify(dataOf()) === JSON.stringify(made))
    expect('jobs of revision 2, and none of 1', jobs().join() === 'Job urna-csv-2,Job urna-migration-2,Job urna-replication-2')
    const api = JSON.stringify(server.find('Deployment', 'urna-api'))
    expect('the new image', api.includes('"urna:next"'))

    // What the pipeline reads to know where to go back to.
    const before = spawnSync(join(chart, '../../pipeline/revision-before.sh'), {
      input: await run('history', 'urna', '--output', 'json'),
      encoding: 'utf8',
    })
    expect(`revision 1 as the one before, and not ${before.stdout}`, before.stdout === '1\n')

    const autoscaled = () => (server.find('Deployment', 'urna-api')?.spec as { replicas?: number } | undefined)?.replicas
    // Another number than the fewest.
    await upgrade('--set', 'api.replicas=5')
    await upgrade('--set', 'api.autoscaling.enabled=true')
    expect(`as many apis as there were when their number is left to the autoscaler, and not ${autoscaled()}`, autoscaled() === 5)

    await run('rollback', 'urna', '1')
    expect('every secret as before after going back', JSON.stringify(dataOf()) === JSON.stringify(made))

    await run('uninstall', 'urna')
    expect('only what must stay is left', server.names().join() === 'PersistentVolumeClaim urna-csv,Secret urna-secrets')

    await run('install', 'urna', chart, ...applying)
    expect('the secrets of the data that stayed are used again', JSON.stringify(dataOf()) === JSON.stringify(made))

    await upgrade('--set', 'secrets.existing=mine')
    expect("a Secret of one's own leaves the made one where it is", JSON.stringify(dataOf()) === JSON.stringify(made))
  } finally {
    server.stop()
  }
  return faults.map((what) => `${program.name}: expected ${what}`)
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString()
}
