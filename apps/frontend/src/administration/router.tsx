import { createRootRoute, createRoute, createRouter, type RouterHistory } from '@tanstack/react-router'
import { Frame, SignedIn } from './frame.tsx'
import { AccountPage } from './pages/account-page.tsx'
import { AdministrationNotFoundPage } from './pages/administration-not-found-page.tsx'
import { AuditPage } from './pages/audit-page.tsx'
import { CodesPage } from './pages/codes-page.tsx'
import { HomePage } from './pages/home-page.tsx'
import { NewPollPage } from './pages/new-poll-page.tsx'
import { PollPage } from './pages/poll-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { SystemPage } from './pages/system-page.tsx'
import { UserImportPage } from './pages/user-import-page.tsx'
import { UsersPage } from './pages/users-page.tsx'
import { VotersPage } from './pages/voters-page.tsx'

const root = createRootRoute({ component: Frame, notFoundComponent: AdministrationNotFoundPage })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/admin/sign-in',
  component: SignInPage,
  validateSearch: ({ next }: Record<string, unknown>): { next?: string } => (typeof next === 'string' ? { next } : {}),
})

const signedIn = createRoute({ getParentRoute: () => root, id: 'signed-in', component: SignedIn })
const below = <Path extends string>(path: Path, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => signedIn, path, component })

const poll = createRoute({ getParentRoute: () => signedIn, path: '/admin/polls/$id', component: PollOfPath })
const codes = createRoute({ getParentRoute: () => signedIn, path: '/admin/polls/$id/codes', component: CodesOfPath })
const voters = createRoute({ getParentRoute: () => signedIn, path: '/admin/polls/$id/voters', component: VotersOfPath })

// What is typed on the page of one poll must not reach another's.
function PollOfPath() {
  const { id } = poll.useParams()
  return <PollPage key={id} id={id} />
}

function CodesOfPath() {
  const { id } = codes.useParams()
  return <CodesPage key={id} id={id} />
}

function VotersOfPath() {
  const { id } = voters.useParams()
  return <VotersPage key={id} id={id} />
}

const routeTree = root.addChildren([
  signIn,
  signedIn.addChildren([
    below('/admin', HomePage),
    below('/admin/polls/new', NewPollPage),
    poll,
    codes,
    voters,
    below('/admin/users', UsersPage),
    below('/admin/users/import', UserImportPage),
    below('/admin/system', SystemPage),
    below('/admin/audit', AuditPage),
    below('/admin/account', AccountPage),
  ]),
])

export function newRouter(history?: RouterHistory) {
  return createRouter({ routeTree, ...(history === undefined ? {} : { history }) })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>
  }
}
