import { Modal } from '@mantine/core'
import type { ReactNode } from 'react'
import { useWords } from '../words.ts'

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
}

/** Takes the focus, keeps it, and gives it back to the button that opened it. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const { words } = useWords()
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
