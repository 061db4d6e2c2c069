// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { json } from '../../testing/fake-api.ts'
import { inFakeBrowser, textOf } from '../../testing/pages.tsx'
import { managed, paths, settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()

test('nothing there yet: the one next step', async () => {
  const { api } = place
  api.on(paths.polls, json({ polls: [], next: null }))
  await visitAdministration(api, '/admin', 'organizer')
  expect(screen.getByText(words.polls.none)).toBeDefined()
  expect(screen.getByRole('link', { name: words.polls.makeFirst }).getAttribute('href')).toBe('/admin/polls/new')
})

test('state, turnout, links, and what can be done in each state', async () => {
  const { api } = place
  const open = managed({ title: 'Lunch', turnout: 1_234 })
  const draft = managed({ title: 'Dinner', state: 'draft', opensAt: null })
  const closed = managed({ title: 'Tea', state: 'closed', closesAt: '2026-11-20T10:00:00.000Z' })
  api.on(paths.polls, json({ polls: [open, draft, closed], next: null }))
  await visitAdministration(api, '/admin', 'administrator')
  const rows = screen.getAllByRole('row').slice(1)
  const doings = rows.map((row) => within(row).getAllByRole('button').map(textOf))
  expect(doings).toEqual([
    [words.polls.close, words.polls.duplicate],
    [words.polls.open, words.polls.duplicate, words.polls.delete],
    [words.polls.duplicate, words.polls.delete],
  ])
  expect(textOf(rows[0] ?? document.body)).toContain('1,234')
  expect(screen.getByRole('link', { name: 'Results of Lunch' }).getAttribute('href')).toBe(`/p/${open.id}/results`)
  expect(screen.queryByRole('link', { name: 'Results of Dinner' })).toBeNull()
})

test('a poll is closed, duplicated, and deleted by typing its title', async () => {
  const { api } = place
  const open = managed({ title: 'Lunch' })
  const closed = managed({ title: 'Tea', state: 'closed' })
  const copy = managed({ title: 'Tea', state: 'draft', opensAt: null })
  api.on(paths.polls, json({ polls: [open, closed], next: null }))
  api.on(`POST /v1/polls/${open.id}/close`, json({ ...open, state: 'open' }))
  api.on(`DELETE /v1/polls/${closed.id}`, () => new Response(null, { status: 204 }))
  api.on(`POST /v1/polls/${closed.id}/duplicate`, json(copy, 201))
  api.on(`GET /v1/polls/${copy.id}`, json(copy))
  const user = await visitAdministration(api, '/admin', 'organizer')
  await user.click(screen.getByRole('button', { name: words.polls.closeOf('Lunch') }))
  await settle()
  await user.click(screen.getByRole('button', { name: words.closing.button }))
  await settle()
  expect(api.asks(`POST /v1/polls/${open.id}/close`)[0]?.body).toEqual({ closesAt: null })
  expect(screen.queryByRole('dialog')).toBeNull()

  await user.click(screen.getByRole('button', { name: words.polls.deleteOf('Tea') }))
  await settle()
  const dialog = within(screen.getByRole('dialog'))
  await user.click(dialog.getByRole('button', { name: words.deleting.button }))
  expect(api.asks(`DELETE /v1/polls/${closed.id}`)).toEqual([])
  await user.type(dialog.getByLabelText(words.dialog.typeName('Tea')), 'Tea')
  await user.click(dialog.getByRole('button', { name: words.deleting.button }))
  await settle()
  expect(api.asks(`DELETE /v1/polls/${closed.id}`)).toHaveLength(1)

  await user.click(screen.getByRole('button', { name: words.polls.duplicateOf('Tea') }))
  await settle()
  expect(location.pathname).toBe(`/admin/polls/${copy.id}`)
})

test('a voter is told what to do here: nothing but following a link', async () => {
  await visitAdministration(place.api, '/admin', 'voter')
  expect(screen.getByText(words.voter.link)).toBeDefined()
  expect(screen.queryByRole('link', { name: words.navigation.polls })).toBeNull()
})
