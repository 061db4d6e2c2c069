import { TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { type SubmitEvent, useEffect, useRef, useState } from 'react'
import { ApiFailure } from '../../api.ts'
import { isAdministration } from '../../router.tsx'
import { signIn } from '../api.ts'
import { Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { PasswordField } from '../components/password-field.tsx'
import { nextPath } from '../next-path.ts'
import { keys } from '../query-client.ts'
import { useMeQuery } from '../use-me.ts'
import { useWords } from '../words.ts'

const route = getRouteApi('/admin/sign-in')

export function SignInPage() {
  const { words } = useWords()
  const { next } = route.useSearch()
  const { data: me } = useMeQuery()
  const to = nextPath(next, location.origin)
  // Also who is signed in already.
  if (me !== null && me !== undefined) return <Onward to={to} />
  return (
    <>
      <PageHeading title={words.signIn.title} />
      <p className="soft text-wide">{words.signIn.lead}</p>
      <SignInForm />
    </>
  )
}

/** Voters come back to the voting pages, which are another entry. */
function Onward({ to }: { to: string }) {
  const inside = isAdministration(new URL(to, location.origin).pathname)
  const router = useRouter()
  // Once: a change of place on the way must not begin another one.
  const begun = useRef(false)
  useEffect(() => {
    if (begun.current) return
    begun.current = true
    if (inside) router.history.replace(to)
    else location.assign(to)
  }, [inside, to, router])
  return null
}

function SignInForm() {
  const { words } = useWords()
  const client = useQueryClient()
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [empty, setEmpty] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  const attempt = useMutation({
    mutationFn: () => signIn(username, password),
    onSuccess: (me) => client.setQueryData(keys.me, me),
    onError: () => passwordField(form.current)?.select(),
  })
  const delay = useSecondsLeft(attempt.error)

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const missing = username.trim() === '' || password === ''
    setEmpty(missing)
    if (missing) (username.trim() === '' ? form.current?.querySelector('input') : passwordField(form.current))?.focus()
    else if (delay === 0 && !attempt.isPending) attempt.mutate()
  }

  return (
    <form className="panel stack narrow" ref={form} onSubmit={submit} noValidate>
      <TextInput
        label={words.signIn.username}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
        error={empty && username.trim() === '' ? words.faults.empty : undefined}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
      />
      <PasswordField
        label={words.signIn.password}
        value={password}
        onChange={setPassword}
        error={empty && password === '' ? words.faults.empty : undefined}
        autoComplete="current-password"
      />
      {attempt.error !== null && <Refusal failure={attempt.error} />}
      <p role="status" className="soft numbers">
        {delay > 0 && words.signIn.wait(delay)}
      </p>
      <BusyButton type="submit" busy={attempt.isPending} aria-disabled={delay > 0}>
        {words.signIn.button}
      </BusyButton>
    </form>
  )
}

function passwordField(form: HTMLFormElement | null): HTMLInputElement | null {
  return form?.querySelector<HTMLInputElement>('input[autocomplete="current-password"]') ?? null
}

/** Seconds until the next attempt is taken, counted down. */
function useSecondsLeft(failure: Error | null): number {
  const [left, setLeft] = useState(0)
  useEffect(() => {
    const delayed = failure instanceof ApiFailure && failure.status === 429
    setLeft(delayed ? (failure.retryAfter ?? 1) : 0)
    if (!delayed) return
    const timer = setInterval(() => setLeft((seconds) => Math.max(0, seconds - 1)), 1_000)
    return () => clearInterval(timer)
  }, [failure])
  return left
}
