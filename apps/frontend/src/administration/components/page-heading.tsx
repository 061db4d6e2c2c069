import type { ReactNode } from 'react'
import { usePageTitle } from '../../use-page-title.ts'

/** The page's title, which names the browser's tab too, and on the right what can be done here. */
export function PageHeading({ title, children }: { title: string; children?: ReactNode }) {
  usePageTitle(title)
  return (
    <div className="title-row not-printed">
      <h1>{title}</h1>
      {children !== undefined && <div className="row">{children}</div>}
    </div>
  )
}
