// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import { expect, test, vi } from 'vitest'
import { json, noConnection, problem } from '../../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken } from '../../testing/pages.tsx'
import { meOf, paths, settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const send = 'POST /v1/sessions'

async function signIn(user: Awaited<ReturnType<typeof visitAdministration>>, username = 'ana', password = 'long enough words') {
  await user.type(screen.getByLabelText(words.signIn.username), username)
  await user.type(screen.getByLabelText(words.signIn.password), password)
  await user.click(screen.getByRole('button', { name: words.signIn.button }))
  await settle()
}

test('a stranger is led to the sign-in page, and comes back to where they wanted to go', async () => {
  const { api } = place
  api.on(paths.me, problem('unauthorized'))
  const user = await visitAdministration(api, '/admin/users', null)
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe(words.signIn.title)
  expect(location.pathname + location.search).toBe('/admin/sign-in?next=%2Fadmin%2Fusers')
  expect(document.title).toBe('Sign in · Urna')

  api.on(send, json(meOf('administrator')))
  api.on(paths.users, json({ users: [], next: null, total: 0 }))
  await signIn(user)
  expect(api.asks(send)[0]?.body).toEqual({ username: 'ana', password: 'long enough words' })
  expect(location.pathname).toBe('/admin/users')
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe(words.users.title)
})

test('empty fields are said in the field, and nothing is sent', async () => {
  const { api } = place
  api.on(paths.me, problem('unauthorized'))
  const user = await visitAdministration(api, '/admin/sign-in', null)
  await user.type(screen.getByLabelText(words.signIn.username), 'ana')
  await user.click(screen.getByRole('button', { name: words.signIn.button }))
  const password = screen.getByLabelText(words.signIn.password)
  expect(password.getAttribute('aria-invalid')).toBe('true')
  expect(document.activeElement).toBe(password)
  expect(screen.getByText(words.faults.empty)).toBeDefined()
  expect(api.asks(send)).toEqual([])
})

test('a wrong password is said in words; a delay counts down, and only then is the next attempt sent', async () => {
  const { api } = place
  api.on(paths.me, problem('unauthorized'))
  api.on(send, problem('sign-in-failed'), problem('sign-in-delayed', {}, { 'Retry-After': '3' }), json(meOf('organizer')))
  api.on(paths.polls, json({ polls: [], next: null }))
  const user = await visitAdministration(api, '/admin/sign-in', null)
  await signIn(user)
  expect(spoken('alert')).toContain('Username and password do not match.')
  expect(screen.getByLabelText<HTMLInputElement>(words.signIn.username).value).toBe('ana')

  const button = screen.getByRole('button', { name: words.signIn.button })
  await user.click(button)
  await settle()
  expect(spoken('status')).toContain(words.signIn.wait(3))
  await user.click(button)
  expect(api.asks(send)).toHaveLength(2)
  await pass(1_000)
  expect(spoken('status')).toContain(words.signIn.wait(2))
  await pass(2_000)
  expect(spoken('status')).not.toContain('try again in')
  await user.click(button)
  await settle()
  expect(api.asks(send)).toHaveLength(3)
  expect(location.pathname).toBe('/admin')
})

test('the password can be shown', async () => {
  const { api } = place
  api.on(paths.me, problem('unauthorized'))
  const user = await visitAdministration(api, '/admin/sign-in', null)
  const password = screen.getByLabelText(words.signIn.password)
  expect(password.getAttribute('type')).toBe('password')
  await user.click(screen.getByRole('checkbox', { name: `${words.signIn.showPassword}: ${words.signIn.password}` }))
  expect(password.getAttribute('type')).toBe('text')
})

test('the page says that the api is away, and goes on when it is back', async () => {
  const { api } = place
  api.on(paths.me, noConnection, noConnection, json(meOf('voter')))
  await visitAdministration(api, '/admin', null)
  expect(spoken('status')).toContain(words.away.api)
  await pass(5_000)
  expect(spoken('status')).not.toContain(words.away.api)
  expect(screen.getByText(words.voter.signedIn('ana'))).toBeDefined()
})

test('signing out ends the session and forgets what was read', async () => {
  const { api } = place
  api.on(paths.polls, json({ polls: [], next: null }))
  const user = await visitAdministration(api, '/admin', 'organizer')
  api.on('DELETE /v1/sessions/current', () => new Response(null, { status: 204 }))
  api.on(paths.me, problem('unauthorized'))
  await user.click(screen.getByRole('button', { name: words.navigation.signOut }))
  await settle()
  expect(location.pathname).toBe('/admin/sign-in')
  expect(screen.queryByRole('link', { name: words.navigation.polls })).toBeNull()
})

test('who came from a voting page goes back there, by a load of the page', async () => {
  const { api } = place
  api.on(paths.me, problem('unauthorized'))
  api.on(send, json(meOf('voter')))
  const user = await visitAdministration(api, '/admin/sign-in?next=/p/1h7qk3v9m2x40001', null)
  const assign = vi.fn()
  vi.stubGlobal('location', { ...location, origin: location.origin, assign })
  await signIn(user)
  expect(assign).toHaveBeenCalledWith('/p/1h7qk3v9m2x40001')
})
