// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import type { System } from '@urna/contracts'
import { expect, test } from 'vitest'
import { json, noConnection } from '../../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, textOf } from '../../testing/pages.tsx'
import { visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const route = 'GET /v1/system'

function system(waiting: number | null, more: Partial<System> = {}): System {
  return {
    version: '0.1.0',
    queue: { ok: true, waiting, oldestAgeSeconds: waiting === null ? null : 75, consumers: 2 },
    counting: { countedUntil: '2026-11-21T19:59:58.000Z' },
    database: { ok: true, replica: { ok: true, lagSeconds: 0 } },
    ...more,
  }
}

const figures = () => Object.fromEntries(screen.getAllByRole('term').map((term) => [textOf(term), textOf(term.nextElementSibling ?? term)]))

test('figures with what they mean, fresh every few seconds, and calm while the api is away', async () => {
  const { api } = place
  api.on(route, json(system(1_234)), json(system(null, { database: { ok: false, replica: null } })), noConnection)
  await visitAdministration(api, '/admin/system', 'auditor')
  expect(figures()).toMatchObject({
    [words.system.queue]: words.system.ok,
    [words.system.backlog]: '1,234',
    [words.system.oldest]: '1 minute 15 seconds',
    [words.system.consumers]: '2',
    [words.system.database]: words.system.ok,
    [words.system.lag]: '0 seconds',
  })
  for (const meaning of [words.system.backlogMeaning, words.system.oldestMeaning, words.system.lagMeaning]) {
    expect(screen.getByText(meaning)).toBeDefined()
  }
  await pass(3_100)
  expect(figures()).toMatchObject({
    [words.system.backlog]: words.system.unknown,
    [words.system.database]: words.system.away,
    [words.system.replica]: words.system.none,
  })
  await pass(3_100)
  expect(spoken('status')).toContain(words.away.api)
  expect(figures()).toMatchObject({ [words.system.database]: words.system.away })
})
