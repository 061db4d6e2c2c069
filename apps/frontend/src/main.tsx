import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { CrashBoundary } from './components/crash-boundary.tsx'
import { firstLanguage, LanguageProvider } from './language.tsx'
import './styles.css'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id root')

createRoot(root).render(
  <StrictMode>
    <LanguageProvider first={firstLanguage()}>
      <CrashBoundary>
        <App />
      </CrashBoundary>
    </LanguageProvider>
  </StrictMode>,
)
