import { spawnSync } from 'node:child_process'
import { freePort } from '../../support/free-port.ts'
import { StandaloneProcess, temporaryDirectory } from '../../support/standalone-process.ts'
import { type KubernetesObject, ofKind } from './objects.ts'

/** What `helm test` runs, as it was rendered, against a running Urna; and against nothing. */
export async function smokeTestFaults(objects: readonly KubernetesObject[]): Promise<string[]> {
  const test = ofKind<{ containers: readonly { command: readonly string[] }[] }>(objects, 'Pod').find(
    ({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test',
  )
  // node, its options, the program, and the addresses of api and pages.
  const command = test?.spec.containers[0]?.command ?? []
  const addresses = command.filter((word) => word.startsWith('http://'))
  const program = command.slice(1, -addresses.length)
  const run = (...urls: string[]) => spawnSync(process.execPath, [...program, ...urls], { encoding: 'utf8', timeout: 60_000 })
  const directory = temporaryDirectory()
  const urna = new StandaloneProcess({ dataDirectory: directory.path, port: await freePort() })
  try {
    await urna.ready()
    const well = run(urna.url)
    const nothing = `http://127.0.0.1:${await freePort()}`
    const [ill, withoutPages] = [run(nothing), run(urna.url, nothing)]
    return Object.entries({
      [`it asks ${addresses.join(' and ')}`]: addresses.join() === 'http://urna-load-balancer:8080,http://urna-frontend:8000',
      [`a running Urna is not well: ${well.stdout}${well.stderr}`]: well.status === 0 && well.stdout.includes('all is well'),
      [`nothing is well: ${ill.stdout}`]: ill.status === 1 && !ill.stdout.includes('ok  '),
      [`no pages are well: ${withoutPages.stdout}`]:
        withoutPages.status === 1 && withoutPages.stdout.includes('FAILED the pages are there'),
    }).flatMap(([fault, holds]) => (holds ? [] : [fault]))
  } finally {
    await urna.stop()
    directory.remove()
  }
}
