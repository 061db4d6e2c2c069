import { useState, useSyncExternalStore } from 'react'
import { ApiFailure } from './api.ts'
import { retryDelay, withJitter } from './retry.ts'

export interface Loaded<T> {
  /** The last good answer; it stays while newer ones fail. */
  value: T | null
  /** Why the last try brought nothing; null if it did bring something. */
  failure: ApiFailure | null
}

export interface LoaderOptions<T> {
  load(signal: AbortSignal): Promise<T>
  /** Milliseconds until the next load after the `times`-th good answer; null for never. */
  again?(value: T, times: number): number | null
  /** Which of the two to show, where a fresh answer may be older than the one already shown. */
  choose?(shown: T, fresh: T): T
}

export interface Loader<T> {
  state(): Loaded<T>
  /** Loading begins with the first listener and ends with the last. */
  subscribe(listener: () => void): () => void
  loadNow(): void
}

/** What the server hides or lacks now may appear later, but it is not worth asking often. */
const hiddenDelay = 30_000

/** Loads, tries again by itself with growing delay after failures, and rests while nobody looks at the page. */
export function createLoader<T>(options: LoaderOptions<T>): Loader<T> {
  let state: Loaded<T> = { value: null, failure: null }
  let times = 0
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let dueWhenVisible = false
  let controller: AbortController | undefined
  const listeners = new Set<() => void>()

  function become(next: Loaded<T>): void {
    state = next
    for (const listener of listeners) listener()
  }

  async function load(): Promise<void> {
    stop()
    controller = new AbortController()
    const { signal } = controller
    try {
      const fresh = await options.load(signal)
      if (signal.aborted) return
      times += 1
      failures = 0
      const value = state.value !== null && options.choose ? options.choose(state.value, fresh) : fresh
      become({ value, failure: null })
      const delay = options.again?.(value, times) ?? null
      if (delay !== null) wait(withJitter(delay))
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ApiFailure)) throw error
      failures += 1
      become({ value: state.value, failure: error })
      if (error.status === 403) wait(withJitter(hiddenDelay))
      else if (error.reason !== 'refused') wait(retryDelay(failures, error.retryAfter))
    }
  }

  function wait(milliseconds: number): void {
    timer = setTimeout(() => {
      if (document.hidden) dueWhenVisible = true
      else void load()
    }, milliseconds)
  }

  function stop(): void {
    clearTimeout(timer)
    dueWhenVisible = false
    controller?.abort()
  }

  function loadIfDue(): void {
    if (!document.hidden && dueWhenVisible) void load()
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      if (listeners.size === 1) {
        document.addEventListener('visibilitychange', loadIfDue)
        void load()
      }
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        document.removeEventListener('visibilitychange', loadIfDue)
        stop()
      }
    },
    loadNow: () => void load(),
  }
}

/** A loader for as long as the component is mounted. The options are read once: give the component a `key` where they change. */
export function useLoader<T>(options: LoaderOptions<T>): Loaded<T> & { loadNow: () => void } {
  const [loader] = useState(() => createLoader(options))
  const loaded = useSyncExternalStore(loader.subscribe, loader.state)
  return { ...loaded, loadNow: loader.loadNow }
}
