import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { NewUserInput, User } from '@urna/contracts'
import { newUserInput, passwordInput, role, userInput } from '@urna/contracts/user'
import { type SubmitEvent, useState } from 'react'
import { changeUser, createUser, setPassword as sendPassword } from '../api.ts'
import { useChecked } from '../use-checked.ts'
import { useWords } from '../words.ts'
import { Refusal } from './asked.tsx'
import { BusyButton } from './busy-button.tsx'
import { Dialog } from './dialog.tsx'
import { PasswordField } from './password-field.tsx'

interface UserFormProps {
  /** Null: a new one. */
  user: User | null
  onDone: () => void
  onClose: () => void
}

/** Makes a user, or changes one. */
export function UserForm({ user, onDone, onClose }: UserFormProps) {
  const { words } = useWords()
  const { users } = words
  const [fields, setFields] = useState({
    username: user?.username ?? '',
    name: user?.name ?? '',
    secondName: user?.secondName ?? '',
    email: user?.email ?? '',
    role: user?.role ?? ('voter' as const),
  })
  const [password, setPassword] = useState('')
  const value = user === null ? { ...fields, ...(password === '' ? {} : { password }) } : fields
  const checked = useChecked<NewUserInput>(user === null ? newUserInput : userInput, value)
  const save = useMutation({
    mutationFn: (input: NewUserInput) => (user === null ? createUser(input) : changeUser(user.id, input)),
    onSuccess: onDone,
    onError: (failure) => checked.refuse(failure),
  })

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const input = checked.submit()
    if (input !== null && !save.isPending) save.mutate(input)
  }

  return (
    <Dialog title={user === null ? users.newTitle : users.editTitle(user.username)} onClose={onClose}>
      <form className="stack" ref={checked.form} onSubmit={submit} noValidate>
        <TextInput
          label={users.username}
          description={users.usernameHint}
          value={fields.username}
          onChange={(event) => setFields({ ...fields, username: event.target.value })}
          {...checked.field('username')}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
        />
        <TextInput
          label={users.name}
          value={fields.name}
          onChange={(event) => setFields({ ...fields, name: event.target.value })}
          {...checked.field('name')}
          autoComplete="off"
        />
        <TextInput
          label={users.secondName}
          value={fields.secondName}
          onChange={(event) => setFields({ ...fields, secondName: event.target.value })}
          {...checked.field('secondName')}
          autoComplete="off"
        />
        <TextInput
          type="email"
          label={users.email}
          description={users.emailHint}
          value={fields.email}
          onChange={(event) => setFields({ ...fields, email: event.target.value })}
          {...checked.field('email')}
          autoComplete="off"
        />
        <NativeSelect
          label={users.role}
          description={words.roles[fields.role].may}
          value={fields.role}
          onChange={(event) => setFields({ ...fields, role: role.parse(event.target.value) })}
          data={role.options.map((name) => ({ value: name, label: words.roles[name].name }))}
        />
        {user === null && (
          <PasswordField
            label={users.password}
            description={users.newPasswordHint}
            value={password}
            onChange={setPassword}
            {...checked.field('password')}
            autoComplete="new-password"
          />
        )}
        {save.error !== null && !checked.saidInFields && <Refusal failure={save.error} title={words.dialog.notDone} />}
        <div className="form-end">
          <BusyButton type="submit" busy={save.isPending}>
            {user === null ? users.create : users.save}
          </BusyButton>
          <Button variant="default" onClick={onClose}>
            {words.dialog.cancel}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Gives a user another password, or the first one. */
export function PasswordDialog({ user, onDone, onClose }: UserFormProps & { user: User }) {
  const { words } = useWords()
  const { users } = words
  const [password, setPassword] = useState('')
  const checked = useChecked(passwordInput, { password })
  const save = useMutation({
    mutationFn: () => sendPassword(user.id, password),
    onSuccess: onDone,
    onError: (failure) => checked.refuse(failure),
  })

  function submit(event: SubmitEvent) {
    event.preventDefault()
    if (checked.submit() !== null && !save.isPending) save.mutate()
  }

  return (
    <Dialog title={users.passwordTitle(user.username)} onClose={onClose}>
      <form className="stack" ref={checked.form} onSubmit={submit} noValidate>
        <PasswordField
          label={words.account.newPassword}
          description={users.passwordHint}
          value={password}
          onChange={setPassword}
          {...checked.field('password')}
          autoComplete="new-password"
          first
        />
        {save.error !== null && !checked.saidInFields && <Refusal failure={save.error} title={words.dialog.notDone} />}
        <div className="form-end">
          <BusyButton type="submit" busy={save.isPending}>
            {users.setPassword}
          </BusyButton>
          <Button variant="default" onClick={onClose}>
            {words.dialog.cancel}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
