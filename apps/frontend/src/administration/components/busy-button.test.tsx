// @vitest-environment jsdom
import { screen } from '@testing-library/react'
import { expect, test } from 'vitest'
import { json } from '../../testing/fake-api.ts'
import { inFakeBrowser } from '../../testing/pages.tsx'
import { settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()
const route = 'POST /v1/users/import'

test('a busy button says so, stays where the focus is, and sends nothing twice', async () => {
  const { api } = place
  let answer = () => {}
  const answered = new Promise<void>((resolve) => {
    answer = resolve
  })
  api.on(route, async (asked) => {
    await answered
    return json({ dryRun: true, rows: 0, created: 0, faults: [], faultsTotal: 0, preview: [] })(asked)
  })
  const user = await visitAdministration(api, '/admin/users/import')
  await user.click(screen.getByLabelText(words.import.paste))
  await user.paste('username\nana\n')
  const button = screen.getByRole<HTMLButtonElement>('button', { name: words.import.look })
  await user.click(button)
  await settle()
  expect(button.getAttribute('aria-disabled')).toBe('true')
  // A disabled one would lose the focus.
  expect(button.disabled).toBe(false)
  await user.keyboard('{Enter}')
  await settle()
  expect(api.asks(route).length).toBe(1)
  answer()
  await settle()
  expect(button.getAttribute('aria-disabled')).toBeNull()
  expect(document.activeElement).toBe(button)
})
