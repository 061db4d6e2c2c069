import { lazy, StrictMode, Suspense } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { CrashBoundary } from './components/crash-boundary.tsx'
import { firstLanguage, LanguageProvider } from './language.tsx'
import { isAdministration } from './router.tsx'
import './styles.css'

// Voters never load it: it is several times as large as all that they need.
const Administration = lazy(() => import('./administration/administration.tsx'))

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id root')

createRoot(root).render(
  <StrictMode>
    <LanguageProvider first={firstLanguage()}>
      <CrashBoundary>
        {isAdministration(location.pathname) ? (
          <Suspense>
            <Administration />
          </Suspense>
        ) : (
          <App />
        )}
      </CrashBoundary>
    </LanguageProvider>
  </StrictMode>,
)
