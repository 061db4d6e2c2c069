// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { json } from '../../testing/fake-api.ts'
import { inFakeBrowser, spoken, textOf } from '../../testing/pages.tsx'
import { newPoll, routes } from '../../testing/samples.ts'
import { settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()

test('voters are added by username; those that nobody has are said, and stay to be mended', async () => {
  const { api } = place
  const poll = newPoll({ access: 'account' })
  const ana = { id: '7', username: 'ana', name: 'Ana', secondName: '' }
  api.on(routes.poll(poll.id), json(poll))
  api.on(
    `GET /v1/polls/${poll.id}/voters?limit=50`,
    json({ users: [], next: null, total: 0 }),
    json({ users: [ana], next: null, total: 1 }),
  )
  api.on(`POST /v1/polls/${poll.id}/voters`, json({ added: 1, already: 0, unknown: ['brno'] }))
  const user = await visitAdministration(api, `/admin/polls/${poll.id}/voters`, 'organizer')
  expect(screen.getByText(words.roll.none)).toBeDefined()
  const usernames = screen.getByLabelText<HTMLTextAreaElement>(words.roll.usernames)
  await user.type(usernames, 'ana, brno\nana')
  await user.click(screen.getByRole('button', { name: words.roll.addButton }))
  await settle()
  expect(api.asks(`POST /v1/polls/${poll.id}/voters`)[0]?.body).toEqual({ usernames: ['ana', 'brno'] })
  expect(spoken('status')).toContain(`${words.roll.unknown(1)} brno`)
  expect(usernames.value).toBe('brno')
  expect(screen.getAllByRole('rowheader').map(textOf)).toEqual(['ana'])
})
