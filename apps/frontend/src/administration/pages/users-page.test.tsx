// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { expect, test } from 'vitest'
import { json, noConnection, problem } from '../../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, textOf } from '../../testing/pages.tsx'
import { meOf, newUser, paths, settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const ana = newUser({ username: 'ana', name: 'Ana', secondName: 'Souza', role: 'administrator' })
const bruno = newUser({ username: 'bruno', hasPassword: false })

const rows = () => screen.getAllByRole('rowheader').map(textOf)

test('lists users, with search, role and pages', async () => {
  const { api } = place
  api.on(paths.users, json({ users: [ana, bruno], next: '7', total: 3 }))
  api.on(
    `${paths.users}&after=7`.replace('?limit=50&after=7', '?after=7&limit=50'),
    json({ users: [newUser({ username: 'carla' })], next: null, total: 3 }),
  )
  api.on('GET /v1/users?search=bru&limit=50', json({ users: [bruno], next: null, total: 1 }))
  api.on('GET /v1/users?search=bru&role=auditor&limit=50', json({ users: [], next: null, total: 0 }))
  const user = await visitAdministration(api, '/admin/users')
  expect(rows()).toEqual(['ana', 'bruno'])
  expect(screen.getByText(words.users.total(3))).toBeDefined()
  expect(screen.getByText(words.users.noPassword)).toBeDefined()

  await user.click(screen.getByRole('button', { name: words.pager.next }))
  await settle()
  expect(rows()).toEqual(['carla'])

  await user.type(screen.getByLabelText(words.users.search), 'bru')
  await pass(400)
  await settle()
  expect(rows()).toEqual(['bruno'])
  await user.selectOptions(screen.getByLabelText(words.users.role), words.roles.auditor.name)
  await settle()
  expect(screen.getByText(words.users.noneFound)).toBeDefined()
})

test('one’s own password is set on one’s own page, where the one that one has is asked for', async () => {
  const { api } = place
  const me = { ...meOf('administrator'), user: { ...ana, id: '70' } }
  api.on(paths.me, json(me))
  api.on(paths.users, json({ users: [me.user, { ...bruno, id: '71' }], next: null, total: 2 }))
  await visitAdministration(api, '/admin/users', null)
  expect(screen.getByRole('link', { name: words.users.passwordOf('ana') }).getAttribute('href')).toBe('/admin/account')
  expect(screen.queryByRole('link', { name: words.users.passwordOf('bruno') })).toBeNull()
  expect(screen.getByRole('button', { name: words.users.passwordOf('bruno') })).toBeDefined()
})

test('a new user: a fault is said in its field and nothing is sent; a username that is taken is said there too', async () => {
  const { api } = place
  api.on(paths.users, json({ users: [ana], next: null, total: 1 }))
  api.on('POST /v1/users', problem('username-taken'), json(newUser({ username: 'carla' }), 201))
  const user = await visitAdministration(api, '/admin/users')
  await user.click(screen.getByRole('button', { name: words.users.new }))
  await settle()
  const dialog = within(screen.getByRole('dialog', { name: words.users.newTitle }))
  const username = dialog.getByLabelText(words.users.username)
  await user.type(username, 'carla dias')
  await user.type(dialog.getByLabelText(words.users.email), 'nobody')
  await user.click(dialog.getByRole('button', { name: words.users.create }))
  expect(dialog.getByText(words.faults.blanks)).toBeDefined()
  expect(dialog.getByText(words.faults.email)).toBeDefined()
  expect(document.activeElement).toBe(username)
  expect(api.asks('POST /v1/users')).toEqual([])

  await user.clear(username)
  await user.type(username, 'ana')
  await user.clear(dialog.getByLabelText(words.users.email))
  await user.type(dialog.getByLabelText(words.users.password), 'short')
  await user.click(dialog.getByRole('button', { name: words.users.create }))
  expect(dialog.getByText(words.faults.shortest(12))).toBeDefined()
  await user.type(dialog.getByLabelText(words.users.password), ' but longer')
  await user.selectOptions(dialog.getByLabelText(words.users.role), words.roles.organizer.name)
  await user.click(dialog.getByRole('button', { name: words.users.create }))
  await settle()
  expect(dialog.getByText(words.faults.usernameTaken)).toBeDefined()

  await user.clear(username)
  await user.type(username, ' carla ')
  expect(dialog.queryByText(words.faults.usernameTaken)).toBeNull()
  await user.click(dialog.getByRole('button', { name: words.users.create }))
  await settle()
  expect(api.asks('POST /v1/users').at(-1)?.body).toEqual({
    username: 'carla',
    name: '',
    secondName: '',
    email: '',
    role: 'organizer',
    password: 'short but longer',
  })
  expect(screen.queryByRole('dialog')).toBeNull()
  await pass(1)
  expect(document.activeElement).toBe(screen.getByRole('button', { name: words.users.new }))
  expect(spoken('status')).toContain(words.users.created)
  expect(api.asks(paths.users).length).toBeGreaterThan(1)
})

test('who deletes a user has to type the name', async () => {
  const { api } = place
  api.on(paths.users, json({ users: [ana, bruno], next: null, total: 2 }), json({ users: [ana], next: null, total: 1 }))
  api.on(`DELETE /v1/users/${bruno.id}`, problem('last-administrator'), () => new Response(null, { status: 204 }))
  const user = await visitAdministration(api, '/admin/users')
  await user.click(screen.getByRole('button', { name: words.users.deleteOf('bruno') }))
  await settle()
  const dialog = within(screen.getByRole('dialog'))
  const typed = dialog.getByLabelText(words.dialog.typeName('bruno'))
  await user.type(typed, 'Bruno')
  await user.click(dialog.getByRole('button', { name: words.users.delete }))
  expect(dialog.getByText(words.dialog.typedOther)).toBeDefined()
  expect(api.asks(`DELETE /v1/users/${bruno.id}`)).toEqual([])

  await user.clear(typed)
  await user.type(typed, 'bruno')
  await user.click(dialog.getByRole('button', { name: words.users.delete }))
  await settle()
  expect(spoken('alert')).toContain('Somebody has to stay administrator.')
  await user.click(dialog.getByRole('button', { name: words.users.delete }))
  await settle()
  expect(screen.queryByRole('dialog')).toBeNull()
  expect(rows()).toEqual(['ana'])
  // The button that opened it went with the row.
  expect(document.activeElement).toBe(screen.getByRole('main'))
})

test('while the api is away the list stays, the page says so, and goes on by itself', async () => {
  const { api } = place
  api.on(
    paths.users,
    json({ users: [ana], next: null, total: 1 }),
    noConnection,
    noConnection,
    json({ users: [ana, bruno], next: null, total: 2 }),
  )
  await visitAdministration(api, '/admin/users')
  expect(rows()).toEqual(['ana'])
  await pass(15_500)
  expect(spoken('status')).toContain(words.away.api)
  expect(spoken('status')).toContain(words.away.retrying)
  expect(rows()).toEqual(['ana'])
  await pass(5_000)
  expect(spoken('status')).not.toContain(words.away.api)
  expect(rows()).toEqual(['ana', 'bruno'])
})

test('it says that the database is away, and a try can be asked for', async () => {
  const { api } = place
  api.on(paths.users, problem('primary-unavailable', {}, { 'Retry-After': '30' }), json({ users: [bruno], next: null, total: 1 }))
  const user = await visitAdministration(api, '/admin/users')
  expect(spoken('status')).toContain(words.away.database)
  await user.click(screen.getByRole('button', { name: words.away.tryNow }))
  await settle()
  expect(rows()).toEqual(['bruno'])
})

test('an auditor sees no button that changes anything', async () => {
  const { api } = place
  api.on(paths.users, json({ users: [ana, bruno], next: null, total: 2 }))
  await visitAdministration(api, '/admin/users', 'auditor')
  expect(rows()).toEqual(['ana', 'bruno'])
  const buttons = within(screen.getByRole('main')).queryAllByRole('button').map(textOf)
  expect(buttons).toEqual([])
  expect(screen.queryByRole('link', { name: words.users.import })).toBeNull()
})

test('an organizer who types the address is told that it is not theirs', async () => {
  await visitAdministration(place.api, '/admin/users', 'organizer')
  expect(screen.getByText('You may not do this.')).toBeDefined()
})

test('a fault that is said when a field is left does not move the button away from under the pointer', async () => {
  const { api } = place
  api.on(paths.users, json({ users: [ana], next: null, total: 1 }))
  const user = await visitAdministration(api, '/admin/users')
  await user.click(screen.getByRole('button', { name: words.users.new }))
  await settle()
  const dialog = within(screen.getByRole('dialog'))
  await user.click(dialog.getByLabelText(words.users.username))
  const title = dialog.getByText(words.users.newTitle)
  await user.pointer({ keys: '[MouseLeft>]', target: title })
  expect(dialog.queryByText(words.faults.empty)).toBeNull()
  await user.pointer({ keys: '[/MouseLeft]', target: title })
  await pass(1)
  expect(dialog.getByText(words.faults.empty)).toBeDefined()
})
