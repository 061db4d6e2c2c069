import { useEffect } from 'react'
import { texts } from './texts.ts'

/** Names the browser's tab. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title === '' ? texts.site.name : `${title} · ${texts.site.name}`
  }, [title])
}
