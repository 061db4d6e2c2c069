import { Button } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { useWords } from '../words.ts'
import { Dialog } from './dialog.tsx'

interface LeaveWarningProps {
  when: boolean
  /** True at the moment of a change of page that is right all the same. */
  except?: () => boolean
  /** What would be lost. */
  text: string
}

/** Asks before somebody leaves a page with what cannot be had again. */
export function LeaveWarning({ when, except, text }: LeaveWarningProps) {
  const { words } = useWords()
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn: ({ current, next }) => when && current.pathname !== next.pathname && !(except?.() ?? false),
    enableBeforeUnload: when,
    withResolver: true,
  })
  if (status !== 'blocked') return null
  return (
    <Dialog title={words.leave.title} onClose={reset}>
      <div className="stack">
        <p>{text}</p>
        <div className="form-end">
          <Button onClick={reset} data-autofocus>
            {words.leave.stay}
          </Button>
          <Button variant="outline" color="danger" onClick={proceed}>
            {words.leave.leave}
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
