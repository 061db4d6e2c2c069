import { Button, type ButtonProps } from '@mantine/core'
import type { MouseEvent, ReactNode } from 'react'

interface BusyButtonProps extends Omit<ButtonProps, 'loading' | 'children'> {
  /** What it began is not done: pressed again, it does nothing. */
  busy: boolean
  type?: 'submit' | 'button'
  onClick?: () => void
  'aria-label'?: string
  'aria-disabled'?: boolean
  'data-autofocus'?: boolean
  children: ReactNode
}

/** Keeps the focus while it is busy. Mantine's button is disabled then, and who works by keyboard would begin at the top of the page again. */
export function BusyButton({ busy, onClick, 'aria-disabled': notNow = false, ...rest }: BusyButtonProps) {
  function press(event: MouseEvent) {
    if (busy) event.preventDefault()
    else onClick?.()
  }

  return (
    <Button
      type="button"
      {...rest}
      loading={busy}
      onClick={press}
      renderRoot={(props) => <button {...props} disabled={rest.disabled} aria-disabled={busy || notNow || undefined} />}
    />
  )
}
