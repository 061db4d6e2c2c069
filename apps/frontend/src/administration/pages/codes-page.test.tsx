// @vitest-environment jsdom
import { screen, within } from '@testing-library/react'
import { encode } from 'uqr'
import { expect, test, vi } from 'vitest'
import { json } from '../../testing/fake-api.ts'
import { inFakeBrowser, textOf } from '../../testing/pages.tsx'
import { newPoll, routes } from '../../testing/samples.ts'
import { settle, visitAdministration, words } from '../testing/administration.tsx'

const place = inFakeBrowser()

function giveCodes(made: { id: string; label: string; code: string }[]) {
  const { api } = place
  const poll = newPoll({ access: 'code', title: 'Afternoon break' })
  const list = `GET /v1/polls/${poll.id}/codes?limit=50`
  const codes = made.map(({ id, label }) => ({ id, label, createdAt: '2026-11-21T20:00:00.000Z', revokedAt: null }))
  api.on(routes.poll(poll.id), json(poll))
  api.on(list, json({ codes: [], next: null, total: 0, revoked: 0 }), json({ codes, next: null, total: codes.length, revoked: 0 }))
  api.on(`POST /v1/polls/${poll.id}/codes`, json({ codes: made }, 201))
  return { poll, list }
}

const two = [
  { id: '00000000000000aa', label: '=ana', code: '0123-4567-89ab-cdef-ghjk-mnpq-rs' },
  { id: '00000000000000bb', label: '', code: 'zyxw-vtsr-qpnm-kjhg-fedc-ba98-76' },
]

test('codes are made by names, and shown once as slips with QR codes, link and code in groups', async () => {
  const { api } = place
  const { poll } = giveCodes(two)
  const user = await visitAdministration(api, `/admin/polls/${poll.id}/codes`, 'organizer')
  expect(screen.getByText(words.codes.none)).toBeDefined()
  await user.click(screen.getByRole('radio', { name: words.codes.kindLabels }))
  await user.type(screen.getByLabelText(words.codes.labels), '=ana\n\n bruno ')
  await user.click(screen.getByRole('button', { name: words.codes.makeButton }))
  await settle()
  expect(api.asks(`POST /v1/polls/${poll.id}/codes`)[0]?.body).toEqual({ labels: ['=ana', 'bruno'] })

  const slips = within(screen.getByRole('list', { name: words.codes.sheet })).getAllByRole('listitem')
  const link = `${location.origin}/p/${poll.id}#code=0123456789abcdefghjkmnpqrs`
  expect(slips.map(textOf)[0]).toBe(`Afternoon break=ana0123-4567-89ab-cdef-ghjk-mnpq-rs${link}`)
  // The picture is the link's: as many dark modules, in the same places.
  const { data } = encode(link, { ecc: 'M', border: 4 })
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h`] : [])))
  const path = slips[0]?.querySelector('path')?.getAttribute('d') ?? ''
  expect(path.match(/M\d+ \d+h/g)).toEqual(dark)
  expect(screen.getByText(words.codes.totals(2, 0))).toBeDefined()
})

test('nobody leaves with codes that were neither printed nor saved, or makes others over them', async () => {
  const { api } = place
  const { poll } = giveCodes(two)
  const print = vi.fn()
  vi.stubGlobal('print', print)
  const user = await visitAdministration(api, `/admin/polls/${poll.id}/codes`, 'organizer')
  await user.click(screen.getByRole('button', { name: words.codes.makeButton }))
  await settle()
  expect(screen.getByRole<HTMLButtonElement>('button', { name: words.codes.makeButton }).disabled).toBe(true)
  await user.click(screen.getByRole('link', { name: poll.title }))
  await settle()
  expect(screen.getByText(words.codes.leave)).toBeDefined()
  await user.click(screen.getByRole('button', { name: words.leave.stay }))
  await user.click(screen.getByRole('button', { name: words.codes.print }))
  expect(print).toHaveBeenCalledOnce()
  await user.click(screen.getByRole('link', { name: poll.title }))
  await settle()
  expect(location.pathname).toBe(`/admin/polls/${poll.id}`)
})

test('the file has label, code and link, and no formula', async () => {
  const { api } = place
  const { poll } = giveCodes(two)
  const files: Blob[] = []
  vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: (blob: Blob) => files.push(blob) && 'blob:x', revokeObjectURL: () => {} }))
  const saved = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {})
  const user = await visitAdministration(api, `/admin/polls/${poll.id}/codes`, 'organizer')
  await user.click(screen.getByRole('button', { name: words.codes.makeButton }))
  await settle()
  await user.click(screen.getByRole('button', { name: words.codes.csv }))
  expect(saved).toHaveBeenCalledOnce()
  const link = `${location.origin}/p/${poll.id}#code=`
  expect(await files[0]?.text()).toBe(
    `label,code,link\r\n'=ana,0123-4567-89ab-cdef-ghjk-mnpq-rs,${link}0123456789abcdefghjkmnpqrs\r\n,zyxw-vtsr-qpnm-kjhg-fedc-ba98-76,${link}zyxwvtsrqpnmkjhgfedcba9876\r\n`,
  )
})

test('how many: a number that the api takes', async () => {
  const { api } = place
  const { poll } = giveCodes(two)
  const user = await visitAdministration(api, `/admin/polls/${poll.id}/codes`, 'organizer')
  const count = screen.getByLabelText(words.codes.count)
  await user.clear(count)
  await user.type(count, '5001')
  await user.click(screen.getByRole('button', { name: words.codes.makeButton }))
  expect(screen.getByText(words.faults.most(5_000))).toBeDefined()
  expect(api.asks(`POST /v1/polls/${poll.id}/codes`)).toEqual([])
})

test('a code is revoked by typing its name', async () => {
  const { api } = place
  const { poll, list } = giveCodes([])
  const code = { id: '00000000000000cc', label: 'bruno', createdAt: '2026-11-21T20:00:00.000Z', revokedAt: null }
  const revoked = { ...code, revokedAt: '2026-11-21T20:10:00.000Z' }
  api.on(list, json({ codes: [code], next: null, total: 1, revoked: 0 }), json({ codes: [revoked], next: null, total: 1, revoked: 1 }))
  api.on(`DELETE /v1/polls/${poll.id}/codes/${code.id}`, () => new Response(null, { status: 204 }))
  const user = await visitAdministration(api, `/admin/polls/${poll.id}/codes`, 'organizer')
  await user.click(screen.getByRole('button', { name: words.codes.revokeOf('bruno') }))
  await settle()
  const dialog = within(screen.getByRole('dialog'))
  await user.type(dialog.getByLabelText(words.dialog.typeName('bruno')), 'bruno')
  await user.click(dialog.getByRole('button', { name: words.codes.revoke }))
  await settle()
  expect(screen.getByText(words.codes.totals(1, 1))).toBeDefined()
  expect(screen.queryByRole('button', { name: words.codes.revokeOf('bruno') })).toBeNull()
})
