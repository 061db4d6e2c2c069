import { type RefObject, useLayoutEffect, useRef } from 'react'

/** For what goes away by itself, with a button in it: if that had the focus, it goes to the content, not to the top of the page. */
export function useFocusKept<Place extends HTMLElement>(): RefObject<Place | null> {
  const place = useRef<Place>(null)
  useLayoutEffect(() => {
    const element = place.current
    return () => {
      if (element?.contains(document.activeElement)) document.getElementById('content')?.focus({ preventScroll: true })
    }
  }, [])
  return place
}
