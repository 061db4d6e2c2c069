import { useEffect, useRef } from 'react'
import { LanguageSwitch } from './components/language-switch.tsx'
import { useTexts } from './language.tsx'
import { HomePage } from './pages/home-page.tsx'
import { NotFoundPage } from './pages/not-found-page.tsx'
import { ReceiptsPage } from './pages/receipts-page.tsx'
import { ResultsPage } from './pages/results-page.tsx'
import { VotePage } from './pages/vote-page.tsx'
import { Link, matchRoute, paths, usePath } from './router.tsx'

export function App() {
  const { site } = useTexts()
  const path = usePath()
  const main = useRef<HTMLElement>(null)
  const shownPath = useRef(path)

  useEffect(() => {
    if (shownPath.current === path) return
    shownPath.current = path
    // A screen reader does not notice a page that changes without a load; moving the focus tells it.
    main.current?.focus()
  }, [path])

  return (
    <>
      <a className="skip-link" href="#content">
        {site.skip}
      </a>
      <header className="site-header">
        <div className="column site-bar">
          <nav className="site-navigation" aria-label={site.navigation}>
            <Link to={paths.home} className="site-name">
              {site.name}
            </Link>
            <Link to={paths.receipts} current={path === paths.receipts}>
              {site.checkMyVote}
            </Link>
            <a href={paths.administration} className="to-administration">
              {site.organize}
            </a>
          </nav>
          <LanguageSwitch />
        </div>{' '}
      </header>
      <main className="column" id="content" ref={main} tabIndex={-1}>
        <Page path={path} />
      </main>
    </>
  )
}

function Page({ path }: { path: string }) {
  const route = matchRoute(path)
  switch (route.page) {
    case 'home':
      return <HomePage />
    case 'vote':
      return <VotePage key={path} pollId={route.pollId} />
    case 'results':
      return <ResultsPage key={path} pollId={route.pollId} />
    case 'receipts':
      return <ReceiptsPage />
    case 'not-found':
      return <NotFoundPage />
  }
}
