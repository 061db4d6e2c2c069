import { type ReactNode, useEffect, useRef, useState } from 'react'

/** Around a table: what does not fit a telephone scrolls here, not the page; then the keyboard can come here too. */
export function TablePlace({ label, children }: { label: string; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null)
  const [scrolls, setScrolls] = useState(false)

  useEffect(() => {
    const element = place.current
    if (element === null) return
    const look = () => setScrolls(element.scrollWidth > element.clientWidth)
    look()
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => observer.disconnect()
  })

  return (
    <div className="table-place" ref={place} {...(scrolls ? { role: 'group', 'aria-label': label, tabIndex: 0 } : {})}>
      {children}
    </div>
  )
}
