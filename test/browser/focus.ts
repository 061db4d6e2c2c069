import type { Page } from 'playwright-core'
import { expect } from 'vitest'

export interface Focus {
  /** What a screen reader calls it, or what it says. */
  readonly text: string
  readonly tag: string
  readonly visible: boolean
}

/** Where the focus is; null if it is lost, which sends a keyboard user back to the top of the page. */
function focusOf(page: Page): Promise<Focus | null> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (element === null || element === document.body) return null
    // Of a choice, the label around it may be what is outlined.
    const outlined = [element, element.closest('label')].some((shown) => {
      if (shown === null) return false
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(shown)
      return (outlineStyle !== 'none' && Number.parseFloat(outlineWidth) > 0) || boxShadow !== 'none'
    })
    const { top, bottom } = element.getBoundingClientRect()
    const label = element instanceof HTMLInputElement ? element.labels?.[0] : null
    const read = (label ?? element).cloneNode(true) as Element
    for (const hidden of read.querySelectorAll('[aria-hidden="true"]')) hidden.remove()
    return {
      text: (element.getAttribute('aria-label') ?? read.textContent ?? '').trim(),
      tag: element.tagName.toLowerCase(),
      visible: outlined && bottom > 0 && top < innerHeight,
    }
  })
}

export async function expectFocus(page: Page): Promise<Focus> {
  const focus = await focusOf(page)
  if (focus === null) throw new Error('the focus is lost: the active element is the body')
  return focus
}

/** Presses Tab until the focus is on what has this name; on the way it must never be lost or out of sight. */
export async function tabTo(page: Page, name: string): Promise<Focus> {
  for (let times = 0; times < 60; times++) {
    await page.keyboard.press('Tab')
    const focus = await expectFocus(page)
    expect(focus).toMatchObject({ visible: true })
    if (focus.text === name) return focus
  }
  throw new Error(`Tab does not come to ${name}`)
}

/** Presses a key that changes the page, and waits until the focus has found a new place. */
export async function pressInto(page: Page, key: string, place: { tag: string; text?: string }): Promise<void> {
  await page.keyboard.press(key)
  await expect.poll(() => focusOf(page), { timeout: 20_000 }).toMatchObject(place)
}
