import { useMutation } from '@tanstack/react-query'
import type { Poll } from '@urna/contracts'
import { deletePoll } from '../api.ts'
import { useWords } from '../words.ts'
import { ConfirmByTyping } from './confirm-by-typing.tsx'

interface DeletePollDialogProps {
  poll: Poll
  onDone: () => void
  onClose: () => void
}

export function DeletePollDialog({ poll, onDone, onClose }: DeletePollDialogProps) {
  const { words } = useWords()
  const remove = useMutation({ mutationFn: () => deletePoll(poll.id), onSuccess: onDone })
  return (
    <ConfirmByTyping
      title={words.deleting.title}
      name={poll.title}
      button={words.deleting.button}
      busy={remove.isPending}
      failure={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{poll.state === 'draft' ? words.deleting.draft : words.deleting.poll}</p>
    </ConfirmByTyping>
  )
}
