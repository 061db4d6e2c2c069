import { useEffect } from 'react'
import { useTexts } from './language.tsx'

/** Names the browser's tab. */
export function usePageTitle(title: string): void {
  const { site } = useTexts()
  useEffect(() => {
    document.title = title === '' ? site.name : `${title} · ${site.name}`
  }, [title, site])
}
