// @vitest-environment jsdom

import { fireEvent, screen, within } from '@testing-library/react'
import type { ReceiptStatus } from '@urna/contracts'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { elsewhere, noConnection, problem, silence } from '../testing/fake-api.ts'
import { inFakeBrowser, pass, spoken, textOf, visit } from '../testing/pages.tsx'
import { givePoll, newPoll, pollOfReceipts, receipt, receiptSays, routes } from '../testing/samples.ts'
import { catalogues, type Language } from '../texts/index.ts'

const browser = inFakeBrowser()
const another = 'another-receipt-which-is-as-long-as-those-of-a-real-server-too'
const statuses: ReceiptStatus[] = ['received', 'counted', 'replaced', 'rejected', 'late', 'lost']

describe.each(Object.keys(catalogues) as Language[])('receipts page in %s', (language) => {
  const words = catalogues[language]
  const poll = newPoll({ id: pollOfReceipts, title: 'The poll of the receipt' })
  beforeEach(() => givePoll(browser.api, poll))
  const field = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: words.receipts.label })
  const check = () => screen.getByRole('button', { name: words.receipts.button })

  test.each([
    ['as it is', receipt],
    ['with lines that a mail has broken', `  ${receipt.slice(0, 9)}\r\n${receipt.slice(9)}\n`],
    ['as the whole link', `https://vote.example/receipts#${receipt}`],
    ['as a link that a mail has broken', `https://vote.example/rece\nipts#${receipt.slice(0, 5)}\n${receipt.slice(5)}`],
  ])('a receipt pasted %s', async (_, pasted) => {
    browser.api.on(routes.receipt(receipt), receiptSays('counted'))
    const user = await visit('/receipts', language)
    await user.click(field())
    await user.paste(pasted)
    await user.click(check())
    await pass(0)
    expect(spoken('status')).toBe(`✓ ${words.receipt.statuses.counted}${words.receipt.meanings.counted}`)
    expect(browser.api.asks(routes.receipt(receipt))).toHaveLength(1)
  })

  test('the link that a voter keeps asks at once, and so does another one that is opened in the same page', async () => {
    browser.api.on(routes.receipt(receipt), receiptSays('counted'))
    browser.api.on(routes.receipt(another), receiptSays('late'))
    await visit(`/receipts#${receipt}`, language)
    expect(field().value).toBe(receipt)
    expect(spoken('status')).toContain(words.receipt.meanings.counted)
    expect(screen.getByText(poll.title)).toBeTruthy()
    expect(screen.getByRole('link', { name: words.receipts.poll }).getAttribute('href')).toBe(`/p/${poll.id}`)
    expect(screen.getByRole('link', { name: words.receipts.results }).getAttribute('href')).toBe(`/p/${poll.id}/results`)

    history.replaceState(null, '', `#${another}`)
    fireEvent(window, new HashChangeEvent('hashchange'))
    await pass(0)
    expect(field().value).toBe(another)
    expect(spoken('status')).toContain(words.receipt.meanings.late)
  })

  test.each(statuses)('"%s" is said, and what it means', async (status) => {
    browser.api.on(routes.receipt(receipt), receiptSays(status))
    await visit(`/receipts#${receipt}`, language)
    expect(spoken('status')).toContain(words.receipt.statuses[status])
    expect(spoken('status')).toContain(words.receipt.meanings[status])
  })

  test('all that a receipt can say is explained', async () => {
    await visit('/receipts', language)
    const explanation = screen.getByText(words.receipts.explain).closest('details')
    if (explanation === null) throw new Error('no explanation')
    expect(within(explanation).getAllByRole('term').map(textOf)).toEqual(statuses.map((status) => words.receipt.statuses[status]))
    expect(within(explanation).getAllByRole('definition').map(textOf)).toEqual(statuses.map((status) => words.receipt.meanings[status]))
  })

  test('a vote that waits is asked about until it is counted', async () => {
    browser.api.on(routes.receipt(receipt), receiptSays('received'), receiptSays('received'), receiptSays('counted'))
    await visit(`/receipts#${receipt}`, language)
    expect(spoken('status')).toContain(words.receipt.meanings.received)
    await pass(2_500)
    expect(spoken('status')).toContain(words.receipt.meanings.counted)
    await pass(600_000)
    expect(browser.api.asks(routes.receipt(receipt))).toHaveLength(3)
  })

  test.each([
    ['of another site', problem('receipt-not-found')],
    ['cut short', problem('invalid-request')],
  ])('a receipt %s', async (_, answer) => {
    browser.api.on(routes.receipt(receipt), answer)
    await visit(`/receipts#${receipt}`, language)
    expect(spoken('alert')).toBe(words.failure.problems['receipt-not-found'])
  })

  test('nothing pasted', async () => {
    const user = await visit('/receipts', language)
    await user.click(check())
    expect(spoken('alert')).toBe(words.receipts.empty)
    expect(field().getAttribute('aria-invalid')).toBe('true')
    expect(browser.api.asked).toEqual([])
  })

  test('a server that is slow, away, and back; then the same receipt once more', async () => {
    browser.api.on(routes.receipt(receipt), silence)
    const user = await visit(`/receipts#${receipt}`, language)
    expect(spoken('status')).toBe(words.receipts.loading)
    browser.api.on(routes.receipt(receipt), noConnection)
    await pass(10_000)
    expect(spoken('status')).toContain(`${words.failure['no-answer']} ${words.failure.retrying}`)
    await pass(1_000)
    expect(spoken('status')).toContain(words.failure['no-connection'])
    browser.api.on(routes.receipt(receipt), receiptSays('replaced'))
    await pass(20_000)
    expect(spoken('status')).toContain(words.receipt.meanings.replaced)

    browser.api.on(routes.receipt(receipt), elsewhere(429))
    await user.click(check())
    await pass(0)
    expect(spoken('status')).toContain(words.failure.tooMany)
  })

  test('the receipt that a voter gets can be copied, and selected where there is no clipboard', async () => {
    const poll = newPoll()
    givePoll(browser.api, poll)
    const user = await visit(`/p/${poll.id}`, language)
    await user.click(screen.getByRole('radio', { name: 'Tea' }))
    await user.click(screen.getByRole('button', { name: words.vote.send }))
    await pass(1_200)
    const clipboard = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue()
    await user.click(screen.getByRole('button', { name: words.receipt.copy }))
    await pass(0)
    expect(spoken('status')).toContain(words.receipt.copied)
    expect(clipboard).toHaveBeenCalledWith(receipt)

    clipboard.mockRejectedValue(new DOMException('no permission', 'NotAllowedError'))
    await user.click(screen.getByRole('button', { name: words.receipt.copy }))
    await pass(0)
    expect(spoken('status')).toContain(words.receipt.selectToCopy)
    expect(getSelection()?.toString()).toBe(receipt)
    expect(screen.getByRole('link', { name: words.receipt.checkLater }).getAttribute('href')).toBe(`/receipts#${receipt}`)
  })
})
