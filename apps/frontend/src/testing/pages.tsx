import { act, cleanup, render, screen } from '@testing-library/react'
import { type UserEvent, userEvent } from '@testing-library/user-event'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { App } from '../app.tsx'
import { CrashBoundary } from '../components/crash-boundary.tsx'
import { LanguageProvider } from '../language.tsx'
import { noteServerDate } from '../server-clock.ts'
import type { Language } from '../texts/index.ts'
import { FakeApi } from './fake-api.ts'

export const now = '2026-11-21T20:00:00.000Z'

/** For each test of the file: time that stands still until it is told to pass, no chance, a fake api, and a browser that remembers nothing. */
export function inFakeBrowser(): { readonly api: FakeApi } {
  const place = { api: new FakeApi() }
  beforeEach(() => {
    place.api = new FakeApi()
    vi.useFakeTimers({ now: Date.parse(now) })
    // Testing Library asks for it to see that time is fake, and lets it pass by it.
    vi.stubGlobal('jest', { advanceTimersByTime: vi.advanceTimersByTime })
    vi.stubGlobal('fetch', place.api.fetch)
    vi.stubGlobal('scrollTo', () => {})
    vi.spyOn(console, 'error')
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    localStorage.clear()
    sessionStorage.clear()
    noteServerDate(new Date().toUTCString())
  })
  afterEach(() => {
    cleanup()
    look(true)
    history.replaceState(null, '', '/')
    // React says there what it finds wrong: a missing key, a change that no test waited for.
    expect(vi.mocked(console.error).mock.calls).toEqual([])
    expect(place.api.unexpected).toEqual([])
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })
  return place
}

/** Opens the page at this address, in this language, and waits until it has its first answers. */
export async function visit(path: string, language: Language = 'en'): Promise<UserEvent> {
  history.replaceState(null, '', path)
  const user = userEvent.setup({ delay: null })
  render(
    <LanguageProvider first={language}>
      <CrashBoundary>
        <App />
      </CrashBoundary>
    </LanguageProvider>,
  )
  await pass(0)
  return user
}

/** Time passes, and everything that it brings happens. */
export async function pass(milliseconds: number): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(milliseconds)
    await vi.advanceTimersByTimeAsync(0)
  })
}

let shown = true

/** The visitor looks at this tab, or at another one. */
export function look(here: boolean): void {
  if (here === shown) return
  shown = here
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => !shown })
  act(() => {
    document.dispatchEvent(new Event('visibilitychange'))
  })
}

/** The text of an element, its words parted by single spaces. */
export function textOf({ textContent }: Element): string {
  return (textContent ?? '').replace(/\s+/g, ' ').trim()
}

/** What a screen reader says by itself: the texts of all elements of this role that say something, one a line. */
export function spoken(role: 'status' | 'alert'): string {
  return screen
    .queryAllByRole(role)
    .map(textOf)
    .filter((text) => text !== '')
    .join('\n')
}
