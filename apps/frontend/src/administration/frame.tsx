import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useLocation, useRouter } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { LanguageSwitch } from '../components/language-switch.tsx'
import { paths } from '../router.tsx'
import { endSession } from './api.ts'
import { Asked, Refusal } from './components/asked.tsx'
import { BusyButton } from './components/busy-button.tsx'
import { keys } from './query-client.ts'
import { useMeQuery } from './use-me.ts'
import { useWords } from './words.ts'

/** What every page of the administration has around it. */
export function Frame() {
  const { texts } = useWords()
  const { pathname } = useLocation()
  const main = useRef<HTMLElement>(null)
  const shownPath = useRef(pathname)

  useEffect(() => {
    if (shownPath.current === pathname) return
    shownPath.current = pathname
    scrollTo(0, 0)
    // A screen reader does not notice a page that changes without a load; moving the focus tells it.
    main.current?.focus({ preventScroll: true })
  }, [pathname])

  return (
    <>
      <a className="skip-link" href="#content">
        {texts.site.skip}
      </a>
      <header className="site-header not-printed">
        <div className="administration administration-bar">
          <Navigation />
          <LanguageSwitch />
        </div>
      </header>
      <main className="administration" id="content" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
    </>
  )
}

function Navigation() {
  const { words, texts } = useWords()
  const { data: me } = useMeQuery()
  const { pathname } = useLocation()
  const links = [
    { to: '/admin', name: words.navigation.polls, shown: me?.permissions.includes('polls.read') },
    { to: '/admin/users', name: words.navigation.users, shown: me?.permissions.includes('users.read') },
    { to: '/admin/system', name: words.navigation.system, shown: me?.permissions.includes('system.read') },
    { to: '/admin/audit', name: words.navigation.audit, shown: me?.permissions.includes('audit.read') },
  ]
  return (
    <>
      <nav aria-label={texts.site.navigation}>
        <a href={paths.home} className="site-name">
          {texts.site.name}
        </a>
        {links
          .filter(({ shown }) => shown)
          .map(({ to, name }) => (
            <Link key={to} to={to} activeOptions={{ exact: true }} aria-current={isWithin(pathname, to) ? 'page' : undefined}>
              {name}
            </Link>
          ))}
      </nav>
      {me !== null && me !== undefined && <Person name={me.user?.username ?? words.navigation.token} />}
    </>
  )
}

/** The polls are at /admin itself and below /admin/polls. */
function isWithin(pathname: string, to: string): boolean {
  return to === '/admin' ? pathname === to || pathname.startsWith('/admin/polls') : pathname.startsWith(to)
}

function Person({ name }: { name: string }) {
  const { words } = useWords()
  const client = useQueryClient()
  const router = useRouter()
  const out = useMutation({
    mutationFn: () => endSession('current'),
    onSuccess() {
      client.clear()
      client.setQueryData(keys.me, null)
      void router.navigate({ to: '/admin/sign-in' })
    },
  })
  return (
    <div className="administration-person">
      <Link to="/admin/account" activeProps={{ 'aria-current': 'page' }} aria-label={words.navigation.account(name)}>
        {name}
      </Link>
      <BusyButton variant="subtle" size="compact-md" busy={out.isPending} onClick={() => out.mutate()}>
        {words.navigation.signOut}
      </BusyButton>
      {out.error !== null && <Refusal failure={out.error} title={words.navigation.notSignedOut} />}
    </div>
  )
}

/** Pages behind the sign-in: others are led there, and come back. */
export function SignedIn() {
  const { words } = useWords()
  const query = useMeQuery()
  return (
    <Asked query={query} queryKey={keys.me} loading={words.navigation.loading}>
      {(me) => (me === null ? <ToSignIn /> : <Outlet />)}
    </Asked>
  )
}

function ToSignIn() {
  const router = useRouter()
  // Once: on the way there, the place where one is changes.
  const [next] = useState(() => router.state.location.href)
  useEffect(() => {
    void router.navigate({ to: '/admin/sign-in', search: { next }, replace: true })
  }, [router, next])
  return null
}
