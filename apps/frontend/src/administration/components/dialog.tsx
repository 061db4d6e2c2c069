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
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': words.dialog.close }}>
      {children}
    </Modal>
  )
}
