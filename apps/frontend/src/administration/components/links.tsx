import { Button, type ButtonProps } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

interface ButtonLinkProps extends Omit<ButtonProps, 'children'> {
  /** An address of the administration. */
  to: string
  label?: string
  children: ReactNode
}

/** A link that looks like a button. */
export function ButtonLink({ to, label, children, ...look }: ButtonLinkProps) {
  return (
    <Button {...look} renderRoot={(props) => <Link {...props} to={to} aria-label={label} />}>
      {children}
    </Button>
  )
}
