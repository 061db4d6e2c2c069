import { Button, TextInput } from '@mantine/core'
import { type ReactNode, type SubmitEvent, useRef, useState } from 'react'
import { useWords } from '../words.ts'
import { Refusal } from './asked.tsx'
import { BusyButton } from './busy-button.tsx'
import { Dialog } from './dialog.tsx'

interface ConfirmByTypingProps {
  title: string
  /** What will be gone, and what stays. */
  children: ReactNode
  /** What has to be typed: the name of what will be gone. */
  name: string
  button: string
  busy: boolean
  failure: Error | null
  onConfirm: () => void
  onClose: () => void
}

/** For what cannot be undone: nobody types a name by mistake. */
export function ConfirmByTyping({ title, children, name, button, busy, failure, onConfirm, onClose }: ConfirmByTypingProps) {
  const { words } = useWords()
  const [typed, setTyped] = useState('')
  const [faulty, setFaulty] = useState(false)
  const input = useRef<HTMLInputElement>(null)

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const fits = typed.trim() === name
    setFaulty(!fits)
    if (fits) onConfirm()
    else input.current?.focus()
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <div>{children}</div>
        <TextInput
          ref={input}
          label={words.dialog.typeName(name)}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value)
            setFaulty(false)
          }}
          error={faulty ? words.dialog.typedOther : undefined}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        {failure !== null && <Refusal failure={failure} title={words.dialog.notDone} />}
        <div className="form-end">
          <BusyButton type="submit" color="danger" busy={busy}>
            {button}
          </BusyButton>
          <Button variant="default" onClick={onClose}>
            {words.dialog.cancel}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
