import { type MouseEvent, type ReactNode, useSyncExternalStore } from 'react'

export type Route =
  | { page: 'home' }
  | { page: 'vote'; pollId: string }
  | { page: 'results'; pollId: string }
  | { page: 'receipts' }
  | { page: 'not-found' }

export const paths = {
  home: '/',
  vote: (pollId: string) => `/p/${pollId}`,
  results: (pollId: string) => `/p/${pollId}/results`,
  receipts: '/receipts',
  /** Behind the #, which browsers send to no server: a receipt belongs in nobody's logs. */
  receipt: (receipt: string) => `/receipts#${receipt}`,
  /** An entry of its own: one comes and goes with a load of the page. */
  administration: '/admin',
}

export function isAdministration(path: string): boolean {
  return path === paths.administration || path.startsWith(`${paths.administration}/`)
}

export function matchRoute(path: string): Route {
  const [first, second, third, ...rest] = path.split('/').filter((part) => part !== '')
  if (rest.length > 0) return { page: 'not-found' }
  if (first === undefined) return { page: 'home' }
  if (first === 'receipts' && second === undefined) return { page: 'receipts' }
  if (first === 'p' && second !== undefined) {
    if (third === undefined) return { page: 'vote', pollId: second }
    if (third === 'results') return { page: 'results', pollId: second }
  }
  return { page: 'not-found' }
}

const listeners = new Set<() => void>()

export function goTo(path: string): void {
  history.pushState(null, '', path)
  scrollTo(0, 0)
  for (const listener of listeners) listener()
}

export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  addEventListener('popstate', listener)
  return () => {
    listeners.delete(listener)
    removeEventListener('popstate', listener)
  }
}

interface LinkProps {
  to: string
  className?: string
  label?: string
  /** Leads to where the visitor is. */
  current?: boolean
  children: ReactNode
}

export function Link({ to, className, label, current = false, children }: LinkProps) {
  function follow(event: MouseEvent) {
    // A new tab or window is the browser's business.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    goTo(to)
  }
  return (
    <a href={to} className={className} aria-label={label} aria-current={current ? 'page' : undefined} onClick={follow}>
      {children}
    </a>
  )
}
