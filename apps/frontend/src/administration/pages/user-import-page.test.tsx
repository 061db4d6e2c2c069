// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import type { UserImport } from '@urna/contracts'
import { expect, test } from 'vitest'
import { json } from '../../testing/fake-api.ts'
import { inFakeBrowser, spoken, textOf } from '../../testing/pages.tsx'
import { settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const route = 'POST /v1/users/import'

function outcome(more: Partial<UserImport>): UserImport {
  return { dryRun: true, rows: 2, created: 0, faults: [], faultsTotal: 0, preview: [], ...more }
}

test('faults are listed by line, nothing can be taken; a mended table is looked at again, and then taken', async () => {
  const { api } = place
  api.on(
    route,
    json(outcome({ faultsTotal: 1, faults: [{ line: 3, column: 'email', detail: 'expected an e-mail address' }] })),
    json(outcome({ preview: [{ username: 'ana', name: 'Ana', secondName: '', email: '', role: 'voter' }] })),
    json(outcome({ dryRun: false, created: 2 })),
  )
  const user = await visitAdministration(api, '/admin/users/import')
  await user.click(screen.getByRole('button', { name: words.import.look }))
  expect(screen.getByText(words.import.empty)).toBeDefined()
  expect(api.asks(route)).toEqual([])

  const table = screen.getByLabelText(words.import.paste)
  await user.click(table)
  await user.paste('username;email\nana;\nbruno;nobody\n')
  await user.click(screen.getByRole('button', { name: words.import.look }))
  await settle()
  expect(spoken('status')).toContain(words.import.found(2, 1))
  expect(screen.getAllByRole('row').map(textOf).at(-1)).toBe(`3email${words.faults.email}`)
  expect(screen.queryByRole('button', { name: words.import.take(2) })).toBeNull()

  await user.clear(table)
  await user.paste('username;email\nana;\nbruno;\n')
  expect(spoken('status')).not.toContain(words.import.found(2, 1))
  await user.click(screen.getByRole('button', { name: words.import.look }))
  await settle()
  expect(api.asks(route).at(-1)?.body).toEqual({ csv: 'username;email\nana;\nbruno;\n', dryRun: true })
  await user.click(screen.getByRole('button', { name: words.import.take(2) }))
  await settle()
  expect(api.asks(route).at(-1)?.body).toEqual({ csv: 'username;email\nana;\nbruno;\n', dryRun: false })
  expect(spoken('status')).toContain(words.import.done(2))
})
