import { useEffect, useRef } from 'react'

/**
 * Runs at once; while a button of the mouse is down, when it is up again and its click has arrived. What is said when a field is left moves the
 * page: the button that was pressed would no longer be under the pointer, and its click lost.
 */
export function useAfterPress(): (run: () => void) => void {
  const pressed = useRef(false)
  const waiting = useRef<(() => void)[]>([])
  useEffect(() => {
    function down() {
      pressed.current = true
    }
    function up() {
      pressed.current = false
      setTimeout(() => {
        for (const run of waiting.current.splice(0)) run()
      })
    }
    addEventListener('mousedown', down, true)
    addEventListener('mouseup', up, true)
    // The pointer that was dragged out of the window is let go there.
    addEventListener('blur', up)
    return () => {
      removeEventListener('mousedown', down, true)
      removeEventListener('mouseup', up, true)
      removeEventListener('blur', up)
    }
  }, [])
  return (run) => {
    if (pressed.current) waiting.current.push(run)
    else run()
  }
}
