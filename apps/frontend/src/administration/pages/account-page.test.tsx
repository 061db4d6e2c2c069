// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { json, problem } from '../../testing/fake-api.ts'
import { inFakeBrowser, spoken, textOf } from '../../testing/pages.tsx'
import { settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const token = {
  id: '4f2a',
  name: 'Nightly export',
  scopes: ['polls.read'],
  createdAt: '2026-11-21T20:00:00.000Z',
  expiresAt: '2026-12-21T20:00:00.000Z',
  lastUsedAt: null,
}

test('a token is made with no more than is chosen, and shown once', async () => {
  const { api } = place
  api.on('GET /v1/sessions', json({ sessions: [] }))
  api.on('GET /v1/tokens', json({ tokens: [] }), json({ tokens: [token] }))
  api.on('POST /v1/tokens', json({ ...token, token: 'the-only-time' }, 201))
  const user = await visitAdministration(api, '/admin/account', 'organizer')
  await user.type(screen.getByLabelText(words.account.tokenName), 'Nightly export')
  await user.click(screen.getByRole('button', { name: words.account.makeToken }))
  expect(screen.getByText(words.account.noScopes)).toBeDefined()
  await user.click(screen.getByRole('checkbox', { name: words.permissions['polls.read'] }))
  await user.selectOptions(screen.getByLabelText(words.account.days), words.account.dayCount(30))
  await user.click(screen.getByRole('button', { name: words.account.makeToken }))
  await settle()
  expect(api.asks('POST /v1/tokens')[0]?.body).toEqual({ name: 'Nightly export', scopes: ['polls.read'], expiresInDays: 30 })
  expect(screen.getByText('the-only-time')).toBeDefined()
  expect(screen.getByRole('button', { name: words.account.revokeOf('Nightly export') })).toBeDefined()
})

test('sessions are listed, and others than this one can be ended', async () => {
  const { api } = place
  const here = { id: 'a1', createdAt: token.createdAt, lastSeenAt: token.createdAt, label: 'Firefox', current: true }
  const there = { ...here, id: 'b2', label: 'Chrome', current: false }
  api.on('GET /v1/sessions', json({ sessions: [here, there] }), json({ sessions: [here] }))
  api.on('DELETE /v1/sessions/b2', () => new Response(null, { status: 204 }))
  const user = await visitAdministration(api, '/admin/account', 'voter')
  expect(screen.queryByRole('button', { name: words.account.endOf('Firefox') })).toBeNull()
  await user.click(screen.getByRole('button', { name: words.account.endOf('Chrome') }))
  await settle()
  expect(screen.getAllByRole('rowheader').map(textOf)).toEqual([`Firefox ${words.account.thisOne}`])
})

test('one’s own password: the present one is wrong, then it is changed', async () => {
  const { api } = place
  api.on('GET /v1/sessions', json({ sessions: [] }))
  api.on('PUT /v1/me/password', problem('sign-in-failed'), () => new Response(null, { status: 204 }))
  const user = await visitAdministration(api, '/admin/account', 'voter')
  await user.type(screen.getByLabelText(words.account.currentPassword), 'wrong')
  await user.type(screen.getByLabelText(words.account.newPassword), 'a new long one')
  await user.click(screen.getByRole('button', { name: words.account.changePassword }))
  await settle()
  expect(spoken('alert')).toContain('Username and password do not match.')
  await user.click(screen.getByRole('button', { name: words.account.changePassword }))
  await settle()
  expect(spoken('status')).toContain(words.account.passwordChanged)
  expect(screen.getByLabelText<HTMLInputElement>(words.account.newPassword).value).toBe('')
})
