import { Modal } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { useWords } from '../words.ts'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
}

/** Takes the focus, keeps it, and gives it back to what had it; to the content where that has gone meanwhile. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const { words } = useWords()
  useFocusGivenBack()
  return (
    <Modal.Root opened onClose={onClose}>
      <Modal.Overlay />
      <Modal.Content>
        {/* Mantine's own is a header element, which a screen reader takes for the page's. */}
        <div className="dialog-top">
          <Modal.Title>{title}</Modal.Title>
          <Modal.CloseButton aria-label={words.dialog.close} size={44} />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  )
}

/** Mantine gives the focus back only from a dialog that stays mounted when it is closed; ours come and go. */
function useFocusGivenBack() {
  // Before the dialog takes it.
  const [before] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      // The dialog, and the focus with it, goes only after this.
      setTimeout(() => {
        if (document.activeElement !== null && document.activeElement !== document.body) return
        const whole = document.getElementById('content')
        const place = before instanceof HTMLElement && before !== document.body && before.isConnected ? before : whole
        place?.focus({ preventScroll: true })
        // What is disabled or hidden takes no focus.
        if (document.activeElement === document.body) whole?.focus({ preventScroll: true })
      })
    },
    [before],
  )
}
