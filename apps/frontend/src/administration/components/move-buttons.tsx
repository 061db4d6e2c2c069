import { ActionIcon } from '@mantine/core'
import type { KeyboardEvent } from 'react'

interface MoveButtonsProps {
  /** `Move up option 2`, and so on: what screen readers say. */
  up: string
  down: string
  remove: string
  first: boolean
  last: boolean
  removable: boolean
  onMove: (by: -1 | 1) => void
  onRemove: () => void
}

/** Up, down, away. At the ends they stay where they are: a button that goes would take the focus with it. */
export function MoveButtons({ up, down, remove, first, last, removable, onMove, onRemove }: MoveButtonsProps) {
  const look = { variant: 'subtle', size: 44 } as const
  return (
    <span className="option-buttons">
      <ActionIcon {...look} aria-label={up} aria-disabled={first} {...dim(first)} onClick={() => !first && onMove(-1)}>
        <span aria-hidden="true">↑</span>
      </ActionIcon>
      <ActionIcon {...look} aria-label={down} aria-disabled={last} {...dim(last)} onClick={() => !last && onMove(1)}>
        <span aria-hidden="true">↓</span>
      </ActionIcon>
      <ActionIcon
        {...look}
        color="danger"
        aria-label={remove}
        aria-disabled={!removable}
        {...dim(!removable)}
        onClick={() => removable && onRemove()}
      >
        <span aria-hidden="true">×</span>
      </ActionIcon>
    </span>
  )
}

/** Looks as if it did nothing, which is so. */
function dim(disabled: boolean): { 'data-disabled'?: boolean } {
  return disabled ? { 'data-disabled': true } : {}
}

/** Alt and an arrow moves what has the focus: null for other keys. */
export function moveOfKey(event: KeyboardEvent): -1 | 1 | null {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return null
  return event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : null
}
