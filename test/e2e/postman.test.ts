import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type Collection, runCollection } from '../support/run-collection.ts'
import { adminToken, repository, StandaloneProcess, temporaryDirectory } from '../support/standalone-process.ts'

/** The collection in docs/, as somebody would run it in Postman, against a process as somebody would start it. */

let urna: StandaloneProcess
let directory: ReturnType<typeof temporaryDirectory>
beforeAll(async () => {
  directory = temporaryDirectory()
  urna = await new StandaloneProcess({ dataDirectory: directory.path, port: await freePort() }).ready()
})
afterAll(async () => {
  await urna.stop('SIGKILL')
  directory.remove()
})

const collection = JSON.parse(readFileSync(join(repository, 'docs/urna.postman_collection.json'), 'utf8')) as Collection

it('holds what it asserts, time after time', async () => {
  for (let round = 0; round < 2; round++) {
    const assertions = await runCollection(collection, { baseUrl: urna.url, adminToken })
    expect(assertions.filter(({ failure }) => failure !== null)).toEqual([])
    // 19 requests: a status each and that its script runs, and 11 assertions more
    expect(assertions.length).toBeGreaterThanOrEqual(2 * 19 + 11)
  }
})

it('is not held by a server that lets nobody in', async () => {
  const failures = (await runCollection(collection, { baseUrl: urna.url, adminToken: 'another token altogether', userId: '1' })).filter(
    ({ failure }) => failure !== null,
  )
  expect(failures.map(({ request }) => request)).toEqual(expect.arrayContaining(['list', 'create', 'read', 'delete (/v1)']))
  expect(failures.map(({ request }) => request)).not.toContain('nobody lists users')
})
