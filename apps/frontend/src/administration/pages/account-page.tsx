import { Checkbox, NativeSelect, Table, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { NewToken, Session, Token } from '@urna/contracts'
import { ownPasswordInput, tokenInput } from '@urna/contracts/session'
import { type SubmitEvent, useState } from 'react'
import { changeOwnPassword, endSession, getSessions, getTokens, makeToken, revokeToken } from '../api.ts'
import { browserName } from '../browser-name.ts'
import { Asked, Refusal } from '../components/asked.tsx'
import { BusyButton } from '../components/busy-button.tsx'
import { PageHeading } from '../components/page-heading.tsx'
import { PasswordField } from '../components/password-field.tsx'
import { ShownOnce } from '../components/shown-once.tsx'
import { TablePlace } from '../components/table-place.tsx'
import { keys } from '../query-client.ts'
import { useChecked } from '../use-checked.ts'
import { useMe } from '../use-me.ts'
import { useWords } from '../words.ts'

/** One's own password, sessions and API tokens. */
export function AccountPage() {
  const { words } = useWords()
  const { me } = useMe()
  return (
    <>
      <PageHeading title={words.account.title} />
      <p>{words.account.signedIn(me.user?.username ?? words.navigation.token, words.roles[me.user?.role ?? 'administrator'].name)}</p>
      <section className="panel" aria-labelledby="password-heading">
        <h2 id="password-heading">{words.account.password}</h2>
        <PasswordForm />
      </section>
      <section className="panel" aria-labelledby="sessions-heading">
        <h2 id="sessions-heading">{words.account.sessions}</h2>
        <p className="soft">{words.account.sessionsHint}</p>
        <Sessions />
      </section>
      {me.permissions.length > 0 && (
        <section className="panel" aria-labelledby="tokens-heading">
          <h2 id="tokens-heading">{words.account.tokens}</h2>
          <p className="soft">{words.account.tokensHint}</p>
          <Tokens />
        </section>
      )}
    </>
  )
}

function PasswordForm() {
  const { words } = useWords()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const client = useQueryClient()
  const checked = useChecked(ownPasswordInput, { current, password })
  const change = useMutation({
    mutationFn: changeOwnPassword,
    onSuccess() {
      setCurrent('')
      setPassword('')
      void client.invalidateQueries({ queryKey: keys.sessions })
      void client.invalidateQueries({ queryKey: keys.tokens })
    },
    onError: (failure) => checked.refuse(failure),
  })

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const input = checked.submit()
    if (input !== null && !change.isPending) change.mutate(input)
  }

  // Once it is changed, the empty fields are no fault.
  const done = change.isSuccess && current === '' && password === ''
  return (
    <form className="stack narrow" ref={checked.form} onSubmit={submit} noValidate>
      <PasswordField
        label={words.account.currentPassword}
        value={current}
        onChange={setCurrent}
        {...(done ? {} : checked.field('current'))}
        autoComplete="current-password"
      />
      <PasswordField
        label={words.account.newPassword}
        description={words.account.newPasswordHint}
        value={password}
        onChange={setPassword}
        {...(done ? {} : checked.field('password'))}
        autoComplete="new-password"
      />
      {change.error !== null && !checked.saidInFields && <Refusal failure={change.error} title={words.dialog.notDone} />}
      <div className="form-end">
        <BusyButton type="submit" busy={change.isPending}>
          {words.account.changePassword}
        </BusyButton>
        <span role="status">{done && words.account.passwordChanged}</span>
      </div>
    </form>
  )
}

function Sessions() {
  const { words } = useWords()
  const query = useQuery({ queryKey: keys.sessions, queryFn: ({ signal }) => getSessions(signal) })
  return (
    <Asked query={query} queryKey={keys.sessions} loading={words.account.loadingSessions}>
      {({ sessions }) => (
        <TablePlace label={words.account.sessions}>
          <Table aria-label={words.account.sessions}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">{words.account.browser}</Table.Th>
                <Table.Th scope="col" className="wide-only">
                  {words.account.begun}
                </Table.Th>
                <Table.Th scope="col">{words.account.lastSeen}</Table.Th>
                <Table.Td />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {sessions.map((session) => (
                <SessionRow key={session.id} session={session} />
              ))}
            </Table.Tbody>
          </Table>
        </TablePlace>
      )}
    </Asked>
  )
}

function SessionRow({ session }: { session: Session }) {
  const { words, format } = useWords()
  const client = useQueryClient()
  const end = useMutation({
    mutationFn: () => endSession(session.id),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.sessions }),
  })
  const known = browserName(session.label)
  const name = known !== null ? words.account.browserOn(known.browser, known.device) : session.label || words.account.unknownBrowser
  return (
    <Table.Tr>
      <Table.Th scope="row">
        {name} {session.current && <span className="tag">{words.account.thisOne}</span>}
        {end.error !== null && <Refusal failure={end.error} title={words.dialog.notDone} />}
      </Table.Th>
      <Table.Td className="wide-only">{format.shortInstant(session.createdAt)}</Table.Td>
      <Table.Td>{format.shortInstant(session.lastSeenAt)}</Table.Td>
      <Table.Td className="table-actions">
        {!session.current && (
          <BusyButton
            size="compact-sm"
            variant="default"
            busy={end.isPending}
            aria-label={words.account.endOf(name)}
            onClick={() => end.mutate()}
          >
            {words.account.end}
          </BusyButton>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Tokens() {
  const { words } = useWords()
  const [made, setMade] = useState<NewToken | null>(null)
  const query = useQuery({ queryKey: keys.tokens, queryFn: ({ signal }) => getTokens(signal) })
  return (
    <>
      <Asked query={query} queryKey={keys.tokens} loading={words.account.loadingTokens}>
        {({ tokens }) =>
          tokens.length === 0 ? (
            <p className="soft">{words.account.noTokens}</p>
          ) : (
            <TablePlace label={words.account.tokens}>
              <Table aria-label={words.account.tokens}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{words.account.tokenName}</Table.Th>
                    <Table.Th scope="col" className="wide-only">
                      {words.account.scopes}
                    </Table.Th>
                    <Table.Th scope="col">{words.account.lastUse}</Table.Th>
                    <Table.Th scope="col">{words.account.expires}</Table.Th>
                    <Table.Td />
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {tokens.map((token) => (
                    <TokenRow key={token.id} token={token} />
                  ))}
                </Table.Tbody>
              </Table>
            </TablePlace>
          )
        }
      </Asked>
      {made !== null && <ShownOnce key={made.id} secret={made.token} label={words.account.tokenMade(made.name)} />}
      <TokenForm onMade={setMade} />
    </>
  )
}

function TokenRow({ token }: { token: Token }) {
  const { words, format } = useWords()
  const client = useQueryClient()
  const revoke = useMutation({
    mutationFn: () => revokeToken(token.id),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tokens }),
  })
  return (
    <Table.Tr>
      <Table.Th scope="row">
        {token.name}
        {revoke.error !== null && <Refusal failure={revoke.error} title={words.dialog.notDone} />}
      </Table.Th>
      <Table.Td className="wide-only">{token.scopes.map((scope) => words.permissions[scope]).join(', ')}</Table.Td>
      <Table.Td>{token.lastUsedAt === null ? words.account.never : format.shortInstant(token.lastUsedAt)}</Table.Td>
      <Table.Td>{format.shortInstant(token.expiresAt)}</Table.Td>
      <Table.Td className="table-actions">
        <BusyButton
          size="compact-sm"
          variant="outline"
          color="danger"
          busy={revoke.isPending}
          aria-label={words.account.revokeOf(token.name)}
          onClick={() => revoke.mutate()}
        >
          {words.account.revoke}
        </BusyButton>
      </Table.Td>
    </Table.Tr>
  )
}

const tokenDays = [7, 30, 90, 365] as const

function TokenForm({ onMade }: { onMade: (made: NewToken) => void }) {
  const { words } = useWords()
  const { me } = useMe()
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<string[]>([])
  const [days, setDays] = useState<number>(90)
  const checked = useChecked(tokenInput, { name, scopes, expiresInDays: days })
  const make = useMutation({
    mutationFn: makeToken,
    onSuccess(made) {
      onMade(made)
      setName('')
      setScopes([])
      void client.invalidateQueries({ queryKey: keys.tokens })
    },
    onError: (failure) => checked.refuse(failure),
  })

  function submit(event: SubmitEvent) {
    event.preventDefault()
    const input = checked.submit()
    if (input !== null && !make.isPending) make.mutate(input)
  }

  const done = make.isSuccess && name === '' && scopes.length === 0
  return (
    <form className="stack" ref={checked.form} onSubmit={submit} noValidate>
      <h3>{words.account.makeToken}</h3>
      <div className="row">
        <TextInput
          className="grow"
          label={words.account.tokenName}
          description={words.account.tokenNameHint}
          value={name}
          onChange={(event) => setName(event.target.value)}
          {...(done ? {} : checked.field('name'))}
          autoComplete="off"
        />
        <NativeSelect
          label={words.account.days}
          value={String(days)}
          onChange={(event) => setDays(Number(event.target.value))}
          data={tokenDays.map((count) => ({ value: String(count), label: words.account.dayCount(count) }))}
        />
      </div>
      <Checkbox.Group
        label={words.account.scopes}
        description={words.account.scopesHint}
        value={scopes}
        onChange={setScopes}
        error={done ? undefined : checked.faultAt('scopes') && words.account.noScopes}
      >
        <div className="stack levels">
          {me.permissions.map((permission) => (
            <Checkbox key={permission} value={permission} label={words.permissions[permission]} />
          ))}
        </div>
      </Checkbox.Group>
      {make.error !== null && !checked.saidInFields && <Refusal failure={make.error} title={words.dialog.notDone} />}
      <BusyButton type="submit" busy={make.isPending}>
        {words.account.makeToken}
      </BusyButton>
    </form>
  )
}
