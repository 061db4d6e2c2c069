import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { Poll } from '@urna/contracts'
import { closePoll } from '../api.ts'
import { useWords } from '../words.ts'
import { Refusal } from './asked.tsx'
import { BusyButton } from './busy-button.tsx'
import { Dialog } from './dialog.tsx'

interface ClosePollDialogProps {
  poll: Poll
  onDone: (poll: Poll) => void
  onClose: () => void
}

export function ClosePollDialog({ poll, onDone, onClose }: ClosePollDialogProps) {
  const { words } = useWords()
  const close = useMutation({ mutationFn: () => closePoll(poll.id, null), onSuccess: onDone })
  return (
    <Dialog title={words.closing.title} onClose={onClose}>
      <div className="stack">
        <p>
          <strong>{poll.title}</strong>
        </p>
        <p>{words.closing.text}</p>
        {close.error !== null && <Refusal failure={close.error} title={words.dialog.notDone} />}
        <div className="form-end">
          <BusyButton busy={close.isPending} onClick={() => close.mutate()} data-autofocus>
            {words.closing.button}
          </BusyButton>
          <Button variant="default" onClick={onClose}>
            {words.dialog.cancel}
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
